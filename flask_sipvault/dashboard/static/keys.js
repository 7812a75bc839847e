// The keyboard. Single letters can be turned off (WCAG 2.2, 2.1.4), for readers whose
// software types them.

export const start = ({ page, remember, remembered, messages, filter, compare }) => {
  const help = page.querySelector("[data-sv-keys]");
  const switched = page.querySelector("[data-sv-keyson]");
  if (switched) {
    switched.checked = remembered("keys") !== "off";
    switched.addEventListener("change", () => {
      remember("keys", switched.checked ? "on" : "off");
    });
  }
  const keys = {
    j: () => messages?.step(1),
    k: () => messages?.step(-1),
    c: () => compare?.pick(),
    "/": () => filter?.focus(),
    "?": () => help?.showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || page.querySelector("dialog[open]")) return;
    if (event.key === "Escape") {
      if (!compare?.end()) filter?.clear();
      if (event.target.matches?.("input")) event.target.blur();
      return;
    }
    if (event.target.closest?.("input, textarea, select, [contenteditable]")) return;
    if (switched && !switched.checked) return;
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  page.querySelector("[data-sv-help]")?.addEventListener("click", () => help?.showModal());
};
