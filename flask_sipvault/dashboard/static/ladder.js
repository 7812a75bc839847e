// The ladder: marks the chosen message with its whole transaction, folds retransmissions,
// and shows where in it a moment lies at which no message passed.
//
// A drawn piece is one SVG of groups under each other, ".sv-item", each with its height in
// data-height. Where some are hidden, the others move up.

const SVG = "http://www.w3.org/2000/svg";
const MARGIN = 4;

const numberOf = (item) => Number(item?.querySelector(".sv-row")?.dataset.n);

export const start = ({ page, moment, messages, pieces }) => {
  const card = page.querySelector(".sv-ladder");
  if (!card || !messages) return null;
  const drawing = () => card.querySelector("[data-sv-drawing]");
  const unfolded = new Set();
  let all = pieces.get("again") === "shown";
  let wanted = null;
  let asked = 0;

  // What the server filtered comes unfolded: whoever looks for something wants to see it.
  const folds = () => !all && drawing().classList.contains("sv-foldedup");

  const isHidden = (item) => {
    const { again } = item.dataset;
    if (wanted) {
      const row = item.querySelector(".sv-row");
      return !row || !wanted.has(Number(row.dataset.n));
    }
    return again !== undefined && folds() && !unfolded.has(again);
  };

  const arrange = (piece) => {
    const svg = piece.querySelector(".sv-rungs");
    if (!svg) return;
    const rows = new Map();
    let y = MARGIN;
    for (const item of svg.querySelectorAll(".sv-item")) {
      const hidden = isHidden(item);
      item.classList.toggle("sv-folded", hidden);
      if (hidden) continue;
      item.setAttribute("transform", `translate(0 ${y})`);
      const bottom = y + Number(item.dataset.height);
      if (item.querySelector(".sv-row")) rows.set(numberOf(item), { top: y, bottom });
      y = bottom;
    }
    const height = y + MARGIN;
    svg.setAttribute("height", height);
    svg.setAttribute("viewBox", `0 0 ${svg.getAttribute("width")} ${height}`);
    for (const line of svg.querySelectorAll(".sv-life")) line.setAttribute("y2", height);
    const ground = svg.querySelector(".sv-media");
    if (ground) {
      const top = rows.get(Number(ground.dataset.first))?.bottom ?? 0;
      const bottom = rows.get(Number(ground.dataset.last))?.top ?? height;
      ground.setAttribute("y", top);
      ground.setAttribute("height", Math.max(0, bottom - top));
      ground.classList.toggle("sv-folded", Boolean(wanted));
    }
    piece.classList.toggle("sv-out", Boolean(wanted) && rows.size === 0);
    piece.dataset.height = height;
    piece.style.height = `${height}px`;
    for (const button of svg.querySelectorAll(".sv-fold")) {
      const open = !folds() || Boolean(wanted) || unfolded.has(button.dataset.first);
      button.setAttribute("aria-expanded", String(open));
    }
    svg.querySelector(".sv-cursor")?.remove();
  };

  const rungs = pieces.pieces({
    list: drawing,
    address: () => `${page.dataset.ladder}${pieces.view(["ports", "again", "repeats", "find"])}`,
    place: "from",
    item: ".sv-row",
    onLoad: arrange,
  });
  const size = () => {
    for (const piece of rungs.all()) piece.style.height = `${piece.dataset.height}px`;
  };
  const drawn = () => rungs.all().filter((piece) => piece.dataset.later === undefined);
  const arrangeAll = () => { for (const piece of drawn()) arrange(piece); };

  // Marking -----------------------------------------------------------------------------
  const together = (transaction, name) => {
    for (const row of drawing().querySelectorAll(`.${name}`)) row.classList.remove(name);
    if (!transaction) return;
    for (const row of drawing().querySelectorAll(`.sv-row[data-t="${transaction}"]`)) {
      row.classList.add(name);
    }
  };

  // Only the drawing itself scrolls, not the page under the reader's hands.
  const reveal = (element, page = false) => {
    const box = drawing();
    const inner = element.getBoundingClientRect();
    const outer = box.getBoundingClientRect();
    const top = outer.top + (box.querySelector(".sv-headbar")?.offsetHeight ?? 0) + 8;
    if (inner.top < top) box.scrollTop += inner.top - top - outer.height / 4;
    else if (inner.bottom > outer.bottom) {
      box.scrollTop += inner.bottom - outer.bottom + outer.height / 4;
    }
    const arrow = (element.querySelector(".sv-arrow") ?? element).getBoundingClientRect();
    if (arrow.left < outer.left || arrow.right > outer.right) {
      box.scrollLeft += (arrow.left + arrow.right - outer.left - outer.right) / 2;
    }
    if (page) element.scrollIntoView({ block: "nearest", inline: "nearest" });
  };

  const line = (svg, x1, y1, x2, y2) => {
    const cursor = document.createElementNS(SVG, "line");
    cursor.setAttribute("class", "sv-cursor");
    for (const [name, value] of Object.entries({ x1, y1, x2, y2 })) {
      cursor.setAttribute(name, value);
    }
    svg.append(cursor);
    return cursor;
  };
  const topOf = (item) => Number(/ (-?[\d.]+)\)/.exec(item.getAttribute("transform"))[1]);

  // A moment without a message: a line across the ladder between its neighbours, or within
  // the band of media, whose time runs to the right, a line across that.
  const pointAt = (ms, row) => {
    const svg = row.closest(".sv-rungs");
    const band = svg.querySelector(".sv-item:not(.sv-folded) .sv-band");
    if (band) {
      const [from, to] = [Number(band.dataset.from), Number(band.dataset.to)];
      const around = band.closest(".sv-item");
      const rows = [...svg.querySelectorAll(".sv-item:not(.sv-folded) .sv-row")];
      const before = rows.findLast((each) => topOf(each.closest(".sv-item")) < topOf(around));
      const after = rows.find((each) => topOf(each.closest(".sv-item")) > topOf(around));
      const inGap = (!before || ms >= Number(before.dataset.ms))
        && (!after || ms <= Number(after.dataset.ms));
      if (inGap && ms >= from && ms <= to) {
        const left = Number(band.getAttribute("x")) + 10;
        const width = Number(band.getAttribute("width")) - 20;
        const x = left + (width * (ms - from)) / Math.max(1, to - from);
        const top = topOf(around) + 3;
        return line(svg, x, top, x, top + Number(band.getAttribute("height")));
      }
    }
    const item = row.closest(".sv-item");
    const y = topOf(item) + (Number(row.dataset.ms) <= ms ? Number(item.dataset.height) : 0);
    return line(svg, 0, y, svg.getAttribute("width"), y);
  };

  document.addEventListener("sipvault:moment", async ({ detail }) => {
    const turn = ++asked;
    const row = detail.n === null
      ? await rungs.nearest(detail.ms) : await rungs.find(detail.n);
    if (!row || turn !== asked) return;
    const { again } = row.closest(".sv-item").dataset;
    if (again !== undefined && folds() && !unfolded.has(again) && !wanted) {
      unfolded.add(again);
      arrangeAll();
    }
    for (const other of drawing().querySelectorAll("[aria-current]")) {
      other.removeAttribute("aria-current");
    }
    for (const cursor of drawing().querySelectorAll(".sv-cursor")) cursor.remove();
    row.setAttribute("aria-current", "true");
    together(row.dataset.t, "sv-together");
    const cursor = detail.n === null ? pointAt(detail.ms, row) : null;
    reveal(cursor ?? row, detail.by === "message" && !detail.quiet);
    const focused = document.activeElement?.closest?.(".sv-row");
    if (focused && focused !== row) row.focus({ preventScroll: true });
  });

  card.addEventListener("pointerover", (event) => {
    together(event.target.closest(".sv-row")?.dataset.t, "sv-hovered");
  });
  card.addEventListener("pointerleave", () => together("", "sv-hovered"));

  // Folding -----------------------------------------------------------------------------
  const options = (name, value) => {
    for (const choice of page.querySelectorAll(`[data-sv-option="${name}"] .sv-choice`)) {
      if (choice.dataset.value === value) choice.setAttribute("aria-current", "true");
      else choice.removeAttribute("aria-current");
    }
  };
  const showAgain = (value) => {
    all = value === "shown";
    drawing().classList.toggle("sv-foldedup", !all);
    unfolded.clear();
    pieces.set("again", value);
    options("again", value);
    arrangeAll();
  };
  card.addEventListener("click", async (event) => {
    const fold = event.target.closest(".sv-fold");
    const choice = event.target.closest(".sv-choice");
    if (event.ctrlKey || event.metaKey || event.shiftKey || !(fold || choice)) return;
    event.preventDefault();
    if (fold) {
      const { first } = fold.dataset;
      if (!folds()) {
        // From now on each is open or shut by itself.
        for (const each of drawing().querySelectorAll(".sv-fold")) {
          unfolded.add(each.dataset.first);
        }
        all = false;
        drawing().classList.add("sv-foldedup");
      }
      if (!unfolded.delete(first)) unfolded.add(first);
      arrangeAll();
      return;
    }
    const { svOption } = choice.closest("[data-sv-option]").dataset;
    if (svOption === "again") showAgain(choice.dataset.value);
    if (svOption === "ports") {
      const value = choice.dataset.value === "split" ? "split" : "";
      const before = pieces.get("ports");
      pieces.set("ports", value);
      options("ports", choice.dataset.value);
      try {
        await replace(messages.chosen());
      } catch (error) {
        pieces.set("ports", before);
        options("ports", before || "merged");
        pieces.problem(error);
      }
    }
  });
  // An SVG link with the role of a button has to answer to the space bar.
  card.addEventListener("keydown", (event) => {
    const fold = event.target.closest(".sv-fold, svg .sv-repeatlink");
    if (!fold || event.key !== " ") return;
    event.preventDefault();
    fold.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
  });

  const replace = async (from) => {
    await rungs.replace(from);
    size();
    const current = moment.current();
    if (current) moment.choose({ ...current, quiet: true });
  };

  messages.onRepeats(replace);
  size();
  arrangeAll();
  rungs.watch();

  return {
    options,
    replace,
    complete: rungs.complete,
    // Shows only the messages of these numbers; all of them with null.
    filter: (numbers) => { wanted = numbers; arrangeAll(); },
  };
};
