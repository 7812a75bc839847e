// The moment that the whole page looks at.
//
// Ladder, messages, log, and whatever else lies on the time axis of the call never speak
// to each other. Choosing anything dispatches one event on the page's outermost element,
// ".sipvault", from where it rises to the document:
//
//   document.addEventListener("sipvault:moment", ({ detail }) => …)
//
//   detail.ms    milliseconds since the first message, a number; negative before it
//   detail.ns    the same moment in nanoseconds since the epoch, a string of digits
//   detail.by    who chose: "message", "log", "quality", "axis" …; whoever chose does not
//                scroll itself
//   detail.n     the number of the message that was chosen; null where something else was,
//                and then the message nearest in time is the one to mark
//   detail.line  the number of the log line that was chosen, or null
//   detail.quiet true where the page has just been opened there: nobody scrolls
//
// To choose, dispatch such an event, or call moment.choose({ ms, by, n, line }). Without
// any script of its own, an element with the attributes
//
//   data-sv-choose="quality" data-ms="86000.25"
//
// chooses that moment when it is clicked, or when Enter is pressed on it.
//
// ".sipvault" has data-start and data-end: the first and the last moment of the call, in
// nanoseconds since the epoch; milliseconds count from data-start.

export const start = ({ page }) => {
  const first = BigInt(page.dataset.start || 0);
  let current = null;

  const nsOf = (ms) => String(first + BigInt(Math.round(ms * 1e6)));

  const choose = ({ ms, by, n = null, line = null, quiet = false }) => {
    const detail = { ms, ns: nsOf(ms), by, n, line, quiet };
    page.dispatchEvent(new CustomEvent("sipvault:moment", { bubbles: true, detail }));
  };

  document.addEventListener("sipvault:moment", ({ detail }) => { current = detail; });

  const chooseBy = (event) => {
    const element = event.target.closest("[data-sv-choose]");
    if (!element || !page.contains(element)) return;
    choose({
      ms: Number(element.dataset.ms),
      by: element.dataset.svChoose,
      line: element.dataset.line ? Number(element.dataset.line) : null,
    });
  };
  page.addEventListener("click", (event) => {
    if (!event.target.closest("a[href], button, summary")) chooseBy(event);
  });
  page.addEventListener("keydown", (event) => {
    if (event.key === "Enter") chooseBy(event);
  });

  return { choose, current: () => current };
};
