// What the scripts say to the reader, in the page's language: script_words.py.

const texts = JSON.parse(
  document.querySelector('meta[name="sipvault-words"]')?.content ?? "{}");
const language = document.querySelector(".sipvault")?.lang || "en";

const say = (name, values = {}) =>
  (texts[name] ?? "").replace(/\{(\w+)\}/g, (_, key) => values[key]);
const number = (value) => value.toLocaleString(language);
const found = (name) => (some, all) => say(name, { some: number(some), all: number(all) });

export const words = {
  colours: (theme) => say("colours", { theme: say(theme) }),
  months: say("months").split(" "),
  zones: { utc: say("zoneUtc"), local: say("zoneLocal"), since: say("zoneSince") },
  timesIn: { utc: say("timesUtc"), local: say("timesLocal"), since: say("timesSince") },
  copied: say("copied"),
  copyByHand: say("copyByHand"),
  loading: say("loading"),
  expired: say("expired"),
  unreachable: say("unreachable"),
  found: found("found"),
  noneFound: say("noneFound"),
  comparing: (n) => say("comparing", { n }),
  compareWith: (n) => say("compareWith", { n }),
  compare: say("compare"),
  compared: (left, right) => say("compared", { left, right }),
  live: say("live"),
  more: say("more"),
  moreAt: (time) => say("moreAt", { time }),
  callOver: say("callOver"),
  callComplete: say("callComplete"),
  liveExpired: say("liveExpired"),
  liveGone: say("liveGone"),
  liveAway: say("liveAway"),
  linesFound: found("linesFound"),
};
