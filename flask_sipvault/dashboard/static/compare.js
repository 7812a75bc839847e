// Any two messages side by side: the first is held until the second is chosen.

export const start = ({ page, words, say, messages, pieces, added }) => {
  const dialog = page.querySelector("[data-sv-comparing]");
  const body = page.querySelector("[data-sv-comparing-body]");
  const bar = page.querySelector("[data-sv-comparebar]");
  if (!dialog || !messages) return null;
  let held = null;

  const hold = (n) => {
    held = n;
    if (bar) {
      bar.hidden = n === null;
      bar.querySelector("span").textContent = n === null ? "" : words.comparing(n);
    }
    for (const button of page.querySelectorAll("[data-sv-compare]")) {
      const own = Number(button.dataset.svCompare) === n;
      button.textContent = n === null || own ? words.compare : words.compareWith(n);
      button.setAttribute("aria-pressed", String(own));
    }
    if (n !== null) say(words.comparing(n));
  };
  const open = async (url) => {
    hold(null);
    try {
      const html = await pieces.htmlOf(url);
      const table = html.querySelector("[data-sv-comparison-body]");
      body.replaceChildren(table);
      added(body);
      dialog.showModal();
      say(table.querySelector("h1").textContent);
    } catch (error) {
      if (bar) {
        bar.hidden = false;
        bar.querySelector("span").textContent = pieces.problem(error);
      }
    }
  };
  const pick = (n) => {
    if (n === null) return;
    if (held === null || held === n) hold(held === n ? null : n);
    else open(`${page.dataset.compare}&left=${held}&right=${n}`);
  };

  page.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-sv-comparison]");
    const button = event.target.closest("[data-sv-compare]");
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (link) {
      event.preventDefault();
      open(link.href);
    } else if (button) {
      pick(Number(button.dataset.svCompare));
    } else if (event.target.closest("[data-sv-uncompare]")) {
      hold(null);
    }
  });

  return {
    pick: () => pick(messages.chosen()),
    // Whether there was anything to end.
    end: () => {
      if (held === null) return false;
      hold(null);
      return true;
    },
  };
};
