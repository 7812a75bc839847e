// Colours, time zone, copying, menus: what the whole page has in common.

const THEMES = ["auto", "light", "dark"];

const pad = (value) => String(value).padStart(2, "0");

const timeOf = (moment) =>
  [moment.getHours(), moment.getMinutes(), moment.getSeconds()].map(pad).join(":");

const offsetOf = (moment) => {
  const minutes = -moment.getTimezoneOffset();
  const size = Math.abs(minutes);
  return `UTC${minutes < 0 ? "−" : "+"}${pad(Math.floor(size / 60))}:${pad(size % 60)}`;
};

const localText = (element, { months }) => {
  const moment = new Date(element.dateTime);
  const fraction = /\.(\d{3})/.exec(element.dateTime)?.[1] ?? "000";
  const day = `${moment.getDate()} ${months[moment.getMonth()]} ${moment.getFullYear()}`;
  switch (element.dataset.form) {
    case "day": return `${day}, ${timeOf(moment)} ${offsetOf(moment)}`;
    case "hour": return `${timeOf(moment).slice(0, 5)} ${offsetOf(moment)}`;
    default: return `${timeOf(moment)}.${fraction}`;
  }
};

const startTheme = ({ page, words, say, remember }) => {
  const root = document.documentElement;
  const button = page.querySelector("[data-sv-theme-button]");
  if (!button) return;
  const current = () => root.dataset.svTheme || "auto";
  const name = () => { button.textContent = words.colours(current()); };
  name();
  button.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(current()) + 1) % THEMES.length];
    if (next === "auto") delete root.dataset.svTheme;
    else root.dataset.svTheme = next;
    remember("theme", next);
    name();
    say(words.colours(next));
  });
};

// Times of day as the time since the call's first moment; dates stay what they are.
const sinceText = (element, start) => {
  if (element.dataset.form) return element.dataset.utc;
  const micros = BigInt(Date.parse(`${element.dateTime.slice(0, 19)}Z`)) * 1000n
    + BigInt((/\.(\d{6})/.exec(element.dateTime)?.[1]) ?? 0);
  const ms = (micros * 1000n - start) / 1_000_000n;
  const size = ms < 0n ? -ms : ms;
  const [hours, minutes, seconds] = [size / 3_600_000n, size / 60_000n % 60n, size / 1000n % 60n];
  const front = hours ? `${hours}:${pad(minutes)}` : `${minutes}`;
  const sign = ms < 0n ? "−" : "";
  return `${sign}${front}:${pad(seconds)}.${String(size % 1000n).padStart(3, "0")}`;
};

const startZone = ({ page, words, say, remember, remembered, onAdded }) => {
  const button = page.querySelector("[data-sv-zone-button]");
  if (!button) return;
  const start = page.dataset.start && BigInt(page.dataset.start);
  const zones = start ? ["utc", "local", "since"] : ["utc", "local"];
  let zone = zones.includes(remembered("zone")) ? remembered("zone") : "utc";
  const textOf = {
    utc: (element) => element.dataset.utc,
    local: (element) => localText(element, words),
    since: (element) => sinceText(element, start),
  };
  const show = (root) => {
    for (const element of root.querySelectorAll("time[datetime]")) {
      element.dataset.utc ??= element.textContent;
      element.textContent = textOf[zone](element);
    }
  };
  const name = () => { button.textContent = words.zones[zone]; };
  name();
  onAdded(show);
  button.addEventListener("click", () => {
    zone = zones[(zones.indexOf(zone) + 1) % zones.length];
    remember("zone", zone);
    name();
    show(page);
    say(words.timesIn[zone]);
  });
};

const startCopying = ({ page, words, say }) => {
  const copy = async (source) => {
    try {
      await navigator.clipboard.writeText(source.textContent);
    } catch {
      // No permission, or no HTTPS: select it, so that Ctrl+C does the rest.
      getSelection().selectAllChildren(source);
      if (!document.execCommand("copy")) { say(words.copyByHand); return false; }
    }
    say(words.copied);
    return true;
  };
  page.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-sv-copy]");
    if (!button) return;
    const label = button.textContent;
    if (!await copy(document.getElementById(button.dataset.svCopy))) return;
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = label; }, 1500);
  });
};

// An open menu closes when one looks elsewhere.
const startMenus = ({ all }) => {
  for (const menu of all(".sv-menu")) {
    document.addEventListener("click", (event) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
};

const startDialogs = ({ all }) => {
  for (const dialog of all("dialog")) {
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog || event.target.closest("[data-sv-close]")) dialog.close();
    });
  }
};

export const start = (tools) => {
  for (const each of [startTheme, startZone, startCopying, startMenus, startDialogs]) each(tools);
};
