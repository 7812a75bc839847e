// The log: marks the lines of a moment, shows only some, wraps them or not.

const LEVELS = {
  all: ["error", "warning", "info"],
  warning: ["error", "warning"],
  error: ["error"],
};

export const start = ({ page, words, say, remember, remembered, moment, ladder, pieces }) => {
  const card = page.querySelector("#logs");
  const box = () => card?.querySelector("[data-sv-log]");
  if (!card || !box()) return null;
  const field = card.querySelector("[data-sv-logfind]");
  const wrap = card.querySelector("[data-sv-wrap]");
  let count = Number(box().dataset.found);
  let partial = ["level", "source", "log"].some((name) => pieces.get(name) !== "");
  let asked = 0;
  let waiting = null;

  const lines = pieces.pieces({
    list: box,
    address: () => `${page.dataset.logs}${pieces.view(["level", "source", "log"])}`,
    place: "line",
    item: "li[data-line]",
    height: 23,
  });

  // A moment ---------------------------------------------------------------------------
  const mark = (line) => {
    for (const other of box().querySelectorAll("[aria-current]")) {
      other.removeAttribute("aria-current");
    }
    line.setAttribute("aria-current", "true");
  };
  // Only the log itself scrolls, not the page under the reader's hands.
  const reveal = (line) => {
    const [inner, outer] = [line, box()].map((each) => each.getBoundingClientRect());
    if (inner.top >= outer.top && inner.bottom <= outer.bottom) return;
    box().scrollTop += inner.top - outer.top - outer.height / 3;
  };
  document.addEventListener("sipvault:moment", async ({ detail }) => {
    const turn = ++asked;
    const line = detail.line === null
      ? await lines.nearest(detail.ms) : await lines.find(detail.line);
    if (!line || turn !== asked) return;
    mark(line);
    if (detail.by !== "log") reveal(line);
  });

  const go = async (n) => {
    const line = await lines.find(n);
    if (!line) return;
    moment.choose({ ms: Number(line.dataset.ms), by: "log", line: n });
    line.scrollIntoView({ block: "center" });
  };
  page.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#l"]');
    const n = Number(/^#l(\d+)$/.exec(link?.getAttribute("href") ?? "")?.[1]);
    if (!n || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    history.pushState(null, "", `#l${n}`);
    go(n);
  });
  const linked = Number(/^#l(\d+)$/.exec(location.hash)?.[1]);
  if (linked) go(linked);

  // Which lines ------------------------------------------------------------------------
  const local = () => {
    const text = pieces.get("log").toLowerCase();
    const source = pieces.get("source");
    const wanted = LEVELS[pieces.get("level") || "all"];
    let found = 0;
    for (const line of box().querySelectorAll("li[data-line]")) {
      const fits = wanted.some((tone) => line.classList.contains(`sv-${tone}`))
        && (!source || line.dataset.source === source)
        && (!text || line.querySelector(".sv-line").textContent.toLowerCase().includes(text));
      line.classList.toggle("sv-out", !fits);
      if (fits) found += 1;
    }
    return found;
  };
  const apply = async () => {
    clearTimeout(waiting);
    try {
      const here = !partial && lines.complete();
      const found = here ? local() : Number((await lines.replace()).dataset.found);
      if (!here) partial = ["level", "source", "log"].some((name) => pieces.get(name) !== "");
      say(words.linesFound(found, count));
    } catch (error) {
      pieces.problem(error);
    }
  };
  card.addEventListener("click", (event) => {
    const choice = event.target.closest(".sv-choice");
    if (!choice || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const { svOption } = choice.closest("[data-sv-option]").dataset;
    const { value } = choice.dataset;
    pieces.set(svOption, value === "all" || value === "0" ? "" : value);
    for (const each of choice.parentElement.querySelectorAll(".sv-choice")) {
      if (each === choice) each.setAttribute("aria-current", "true");
      else each.removeAttribute("aria-current");
    }
    apply();
  });
  field?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => {
      pieces.set("log", field.value.trim());
      apply();
    }, 150);
  });

  const wrapLines = (on) => {
    box().classList.toggle("sv-nowrap", !on);
    wrap.setAttribute("aria-pressed", String(on));
  };
  if (wrap) {
    wrapLines(remembered("wrap") !== "no");
    wrap.addEventListener("click", () => {
      const on = wrap.getAttribute("aria-pressed") !== "true";
      remember("wrap", on ? "yes" : "no");
      wrapLines(on);
    });
  }
  lines.watch();
  return {
    go,
    // The log anew, around a line.
    replace: async (line) => {
      const fresh = await lines.replace(line);
      partial = ["level", "source", "log"].some((name) => pieces.get(name) !== "");
      if (!partial) count = Number(fresh.dataset.found);
      if (wrap) wrapLines(wrap.getAttribute("aria-pressed") === "true");
    },
  };
};
