// The messages: which one is chosen, and how it is shown. On a wide screen only the chosen
// message stands beside the ladder, on a narrow one their list is the ladder.

const WIDE = window.matchMedia("(min-width: 1120px)");

export const start = ({ page, moment, pieces }) => {
  const work = page.querySelector("[data-sv-work]");
  if (!work) return null;
  const card = page.querySelector(".sv-messages");
  const allButton = page.querySelector("[data-sv-all]");
  const list = () => card.querySelector("[data-sv-list]");
  let chosen = null;
  let asked = 0;

  const messages = pieces.pieces({
    list,
    address: () => `${page.dataset.messages}${pieces.view(["find", "ports", "repeats"])}`,
    place: "from",
    item: ".sv-msg",
    height: 44,
    onLoad: () => fold(),
  });

  const beside = () => WIDE.matches && work.classList.contains("sv-one");
  const shown = (root = list()) => [...root.querySelectorAll(".sv-msg:not(.sv-out)")];

  // Beside the ladder only the chosen message shows. The others are hidden in a way that
  // the browser's own search still finds them.
  const fold = () => {
    const one = beside();
    for (const message of list().querySelectorAll(".sv-msg")) {
      const here = message === chosen;
      if (one) message.open = here;
      else if (here) message.open = true;
      if (one && !here) message.setAttribute("hidden", "until-found");
      else message.removeAttribute("hidden");
    }
  };

  const numberIn = (hash) => {
    const n = Number(/^#m(\d+)$/.exec(hash)?.[1]);
    const last = messages.all().at(-1);
    return last && n >= 1 && n <= Number(last.dataset.last) ? n : null;
  };

  let onRepeats = async () => {};
  const showRepeats = async (n) => {
    pieces.set("repeats", "shown");
    try {
      await messages.replace(n);
      await onRepeats(n);
    } catch (error) {
      pieces.set("repeats", "");
      pieces.problem(error);
    }
  };
  page.addEventListener("click", (event) => {
    const link = event.target.closest(".sv-repeatlink");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    showRepeats(Number(/#r(\d+)$/.exec(link.getAttribute("href"))?.[1]));
  });

  // from: "ladder", where the reader sees its row; "keys"; "afar", further down the page;
  // "link", where the address names it; "here", where the page just opens. Of these two
  // nothing is to be remembered.
  const show = async (n, from) => {
    let message = await messages.find(n);
    if (!message && !pieces.get("repeats") && !pieces.get("find")) {
      // It is one of those that are like others, and not shown each time.
      await showRepeats(n);
      message = await messages.find(n);
    }
    if (!message) return;
    const opening = from === "here" || from === "link";
    if (!opening) {
      history[from === "keys" ? "replaceState" : "pushState"](null, "", `#m${n}`);
    }
    const ms = Number(message.dataset.ms);
    moment.choose({ ms, by: "message", n, quiet: opening });
    if (from === "here") return;
    if (!beside()) {
      message.querySelector(".sv-msgbody").scrollIntoView({ block: "start" });
    } else if (from === "afar" || from === "link") {
      work.scrollIntoView({ block: "start" });
    }
  };

  document.addEventListener("sipvault:moment", async ({ detail }) => {
    const turn = ++asked;
    const message = detail.n === null
      ? await messages.nearest(detail.ms) : await messages.find(detail.n);
    // Meanwhile the reader may have chosen something else.
    if (!message || turn !== asked) return;
    chosen = message;
    if (detail.n === null && !beside()) return;
    fold();
    if (beside()) card.scrollTop = 0;
  });

  page.addEventListener("click", (event) => {
    const link = event.target.closest('a[href*="#m"]');
    const n = link && numberIn(link.hash ?? link.getAttribute("href"));
    if (!n || link.closest(".sv-more") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    link.closest("dialog")?.close();
    show(n, link.closest(".sv-work") ? "ladder" : "afar");
  });
  page.addEventListener("beforematch", (event) => {
    const message = event.target.closest(".sv-msg");
    if (message) show(Number(message.dataset.n), "keys");
  }, true);
  WIDE.addEventListener("change", () => {
    if (WIDE.matches && !chosen) open();
    else fold();
  });
  window.addEventListener("popstate", () => {
    const n = numberIn(location.hash);
    if (n) show(n, "link");
  });

  allButton?.addEventListener("click", () => {
    const one = work.classList.toggle("sv-one");
    allButton.setAttribute("aria-pressed", String(!one));
    fold();
    if (!one && chosen) chosen.scrollIntoView({ block: "nearest" });
  });

  const step = async (by) => {
    if (!chosen?.isConnected) {
      const first = shown()[0];
      if (first) await show(Number(first.dataset.n), "keys");
      return;
    }
    let piece = chosen.closest(".sv-piece");
    const here = shown(piece);
    let next = here[here.indexOf(chosen) + by];
    while (!next) {
      piece = by > 0 ? piece.nextElementSibling : piece.previousElementSibling;
      if (!piece) return;
      await messages.load(piece).catch(() => {});
      next = shown(piece).at(by > 0 ? 0 : -1);
    }
    await show(Number(next.dataset.n), "keys");
  };
  for (const button of card.querySelectorAll("[data-sv-step]")) {
    button.addEventListener("click", () => step(Number(button.dataset.svStep)));
  }

  // What the address names, or what tells most of the call.
  const open = () => {
    const linked = numberIn(location.hash);
    const n = linked ?? Number(list().dataset.chosen);
    if (n && (linked || WIDE.matches)) show(n, linked ? "link" : "here");
  };

  work.classList.add("sv-one");
  fold();
  messages.watch();

  return {
    open,
    show,
    step,
    shown,
    complete: messages.complete,
    // Whether nothing is left out because it is like what is shown.
    everything: () => !list().querySelector(".sv-repeatline"),
    replace: messages.replace,
    // The number of the chosen message, or null.
    chosen: () => (chosen ? Number(chosen.dataset.n) : null),
    fold,
    // What else has to show what comes again and again, each time.
    onRepeats: (act) => { onRepeats = act; },
    work,
    list,
  };
};
