// What the scripts say to the reader.

export const words = {
  colours: (theme) => `Colours: ${theme}`,
  utc: "UTC",
  local: "Local time",
  timesUtc: "Times are UTC",
  timesLocal: "Times are local",
  copied: "Copied",
  copyByHand: "Selected: press Ctrl+C",
  loading: "Loading …",
  expired: "This link has expired. Open the call once more from the list of calls.",
  unreachable: "The server did not answer. Try again.",
  found: (some, all) => `${some.toLocaleString("en")} of ${all.toLocaleString("en")} messages fit`,
  noneFound: "No message fits this filter.",
  comparing: (n) => `Comparing message ${n}: choose another, then press c, or its button.`,
  compareWith: (n) => `Compare with ${n}`,
  compare: "Compare with …",
  compared: (left, right) => `Messages ${left} and ${right} side by side`,
  linesFound: (some, all) => `${some.toLocaleString("en")} of ${all.toLocaleString("en")} lines fit`,
};
