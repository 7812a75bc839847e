// The time axis: one cursor over the whole page, and a way to look closer.
//
// Whatever lies on the axis tells its place by data-at, or data-from and data-to, in
// milliseconds since the call's first moment; a curve, ".sv-plot", by its viewBox. So
// zooming puts the same elements elsewhere. The choices above the axis are links that the
// server answers with the same stretch; here they only save the way.

const CLOSEST = 20;  // ms in view at most closely
const MARKS = 7;
const STEPS = [
  1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 15e3, 2e4, 3e4,
  6e4, 12e4, 3e5, 6e5, 9e5, 18e5, 36e5, 72e5, 144e5, 432e5, 864e5,
];
const NEAR = 6;  // px within which a mark is meant
const LETTER = 7;  // px

const SVG = "http://www.w3.org/2000/svg";

const clock = (ms, digits = 0) => {
  const sign = ms < 0 ? "−" : "";
  const whole = Math.floor(Math.abs(ms) / 1000 + 1e-9);
  const two = (value) => String(value).padStart(2, "0");
  const [hours, minutes, seconds] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const rest = digits ? (Math.abs(ms) / 1000 - whole).toFixed(digits).slice(1) : "";
  return `${sign}${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds)}${rest}`;
};

export const start = ({ page, moment, pieces, onAdded }) => {
  const card = () => page.querySelector("[data-sv-axis]");
  if (!card()) return null;
  const whole = () => [Number(card().dataset.first), Number(card().dataset.last)];
  let view = [Number(card().dataset.begin), Number(card().dataset.finish)];
  let shown = pieces?.get("axis") ?? "";
  let now = null;

  const shareOf = (ms) => (ms - view[0]) / (view[1] - view[0]);
  const percent = (ms) => `${(100 * Math.min(Math.max(shareOf(ms), -1), 2)).toFixed(3)}%`;
  const drawings = () => page.querySelectorAll(".sv-lanes");

  // Drawing -----------------------------------------------------------------------------
  const marks = () => {
    const length = view[1] - view[0];
    const step = STEPS.find((each) => length / each <= MARKS) ?? length / MARKS;
    const found = [];
    for (let ms = Math.ceil(view[0] / step) * step; ms <= view[1]; ms += step) found.push(ms);
    return { found, digits: step < 1000 ? 3 : 0 };
  };
  const place = (root) => {
    for (const element of root.querySelectorAll("[data-from]")) {
      if (!element.closest(".sv-lanes")) continue;
      const [left, right] = [element.dataset.from, element.dataset.to].map((ms) => parseFloat(percent(ms)));
      element.setAttribute("x", `${left}%`);
      element.setAttribute("width", `${Math.max(0, right - left)}%`);
    }
    for (const element of root.querySelectorAll(".sv-lanes [data-at]")) {
      if (element.localName === "text") element.setAttribute("x", percent(element.dataset.at));
      else for (const name of ["x1", "x2"]) element.setAttribute(name, percent(element.dataset.at));
    }
    // A word that its stretch has no room for is left out, unless it is the worst.
    for (const word of root.querySelectorAll(".sv-word")) {
      const room = (shareOf(word.dataset.until) - shareOf(word.dataset.at))
        * word.ownerSVGElement.clientWidth;
      const narrow = room < word.textContent.length * LETTER;
      word.classList.toggle("sv-lesser", narrow && !word.classList.contains("sv-worst"));
    }
    for (const plot of root.querySelectorAll("[data-sv-plot]")) {
      plot.setAttribute("viewBox", `${view[0]} 0 ${view[1] - view[0]} 100`);
    }
    const { found, digits } = marks();
    const make = (name, attributes, text) => {
      const element = document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
      if (text) element.textContent = text;
      return element;
    };
    for (const grid of root.querySelectorAll("[data-sv-grid]")) {
      grid.replaceChildren(...found.map((ms) => make("line", {
        class: "sv-grid", x1: percent(ms), x2: percent(ms), y1: "0", y2: "100%",
      })));
    }
    for (const scale of root.querySelectorAll("[data-sv-scale]")) {
      scale.replaceChildren(...found.map((ms, number) => {
        const share = shareOf(ms);
        const anchor = share < 0.05 ? "start" : share > 0.95 ? "end" : "middle";
        const odd = number % 2 ? " sv-odd" : "";
        return make("text", { class: `sv-mark${odd}`, x: percent(ms), y: "12", "text-anchor": anchor },
          clock(ms, digits));
      }));
    }
  };

  // The cursor --------------------------------------------------------------------------
  const columnAt = (lanes, ms) => [...lanes.querySelectorAll("[data-from]:has(title)")]
    .find((each) => Number(each.dataset.from) <= ms && ms < Number(each.dataset.to));
  const saidAt = (ms) => [...card().querySelectorAll(".sv-lane[data-lane]")].flatMap((lane) => {
    const title = columnAt(lane, ms)?.querySelector("title")?.textContent;
    return title ? [[lane.querySelector(".sv-lanename").textContent, title]] : [];
  });
  const fill = (element, time, parts) => {
    const bold = document.createElement("b");
    bold.textContent = time;
    const spans = parts.map((text) => {
      const span = document.createElement("span");
      span.textContent = text;
      return span;
    });
    element.replaceChildren(bold, ...spans);
    element.hidden = false;
  };
  // "0:05 to 0:10: MOS 4.2 …" without its time.
  const behind = (says) => says.slice(says.indexOf(": ") + 2);

  const point = (ms) => {
    now = ms;
    const time = clock(ms, 1);
    for (const lanes of drawings()) {
      let pointer = lanes.querySelector(".sv-pointer");
      if (!pointer) {
        pointer = document.createElement("div");
        pointer.className = "sv-pointer";
        lanes.append(pointer);
      }
      const share = shareOf(ms);
      pointer.style.setProperty("--at", share);
      pointer.dataset.time = time;
      pointer.classList.toggle("sv-left", share > 0.85);
      pointer.classList.toggle("sv-outside", share < 0 || share > 1);
      for (const old of lanes.querySelectorAll(".sv-pointed")) old.classList.remove("sv-pointed");
      for (const column of lanes.querySelectorAll(".sv-col")) {
        const inside = Number(column.dataset.from) <= ms && ms < Number(column.dataset.to);
        column.classList.toggle("sv-pointed", inside);
      }
      const readout = lanes.parentElement.querySelector("[data-sv-readout]");
      const parts = lanes.closest("[data-sv-axis]")
        ? saidAt(ms).map(([name, says]) => `${name} ${behind(says)}`)
        : [columnAt(lanes, ms)?.querySelector("title")?.textContent ?? "–"];
      if (readout) fill(readout, time, parts);
      lanes.setAttribute("aria-valuenow", Math.round(ms / 100) / 10);
      lanes.setAttribute("aria-valuetext", [time, ...parts].join(", "));
    }
  };
  document.addEventListener("sipvault:moment", ({ detail }) => {
    // A moment out of sight comes into sight: the view moves, as close as it is.
    const outside = detail.ms < view[0] || detail.ms > view[1];
    if (outside && !detail.quiet) {
      const half = (view[1] - view[0]) / 2;
      show([detail.ms - half, detail.ms + half], null);
    }
    point(detail.ms);
  });

  // Looking closer ----------------------------------------------------------------------
  const around = () => {
    const [first, last] = whole();
    const margin = Math.max(last - first, 1) * 0.015;
    return [first - margin, last + margin];
  };
  const show = (wanted, name) => {
    const [first, last] = around();
    const length = Math.min(Math.max(wanted[1] - wanted[0], CLOSEST), last - first);
    const middle = (wanted[0] + wanted[1]) / 2;
    const begin = Math.min(Math.max(middle - length / 2, first), last - length);
    view = [begin, begin + length];
    shown = name;
    place(page);
    if (now !== null) point(now);
    for (const choice of card().querySelectorAll(".sv-choice")) {
      if (choice.dataset.value === name) choice.setAttribute("aria-current", "true");
      else choice.removeAttribute("aria-current");
    }
    if (name !== null) pieces?.set("axis", name);
  };
  const zoom = (factor, at = now) => {
    const fixed = at === null || at < view[0] || at > view[1] ? (view[0] + view[1]) / 2 : at;
    show(view.map((ms) => fixed + (ms - fixed) * factor), null);
  };
  const named = (value) => {
    const found = /^(-?\d+)_(-?\d+)$/.exec(value);
    show(found ? [Number(found[1]), Number(found[2])] : around(), value);
  };

  // Choosing ----------------------------------------------------------------------------
  const msAt = (lanes, x) => {
    const box = lanes.querySelector(".sv-cell").getBoundingClientRect();
    return view[0] + (view[1] - view[0]) * Math.min(Math.max((x - box.left) / box.width, 0), 1);
  };
  const meantAt = (event, lanes) => {
    const lane = event.target.closest?.(".sv-lane");
    const reach = (NEAR / lanes.querySelector(".sv-cell").clientWidth) * (view[1] - view[0]);
    const ms = msAt(lanes, event.clientX);
    const near = [...(lane?.querySelectorAll("[data-at]:not(text)") ?? [])]
      .map((mark) => ({ mark, far: Math.abs(Number(mark.dataset.at) - ms) }))
      .filter(({ far }) => far <= reach)
      .sort((one, other) => one.far - other.far)[0]?.mark;
    return near ?? ms;
  };
  const choose = (meant, by) => {
    const mark = meant instanceof Element ? meant.dataset : null;
    moment.choose({
      ms: mark ? Number(mark.at) : meant,
      by,
      n: mark?.n ? Number(mark.n) : null,
      line: mark?.line ? Number(mark.line) : null,
    });
  };

  let drag = null;
  let dragged = false;
  page.addEventListener("pointerdown", (event) => {
    const lanes = event.target.closest(".sv-lanes");
    if (!lanes || event.button !== 0 || event.pointerType === "touch") return;
    drag = { lanes, from: event.clientX, box: null };
  });
  page.addEventListener("pointermove", (event) => {
    if (!drag || Math.abs(event.clientX - drag.from) < 8) return;
    event.preventDefault();
    if (!drag.box) {
      drag.box = document.createElement("div");
      drag.box.className = "sv-picking";
      drag.lanes.append(drag.box);
    }
    const edge = drag.lanes.getBoundingClientRect().left;
    const [left, right] = [drag.from, event.clientX].sort((a, b) => a - b);
    drag.box.style.left = `${left - edge}px`;
    drag.box.style.width = `${right - left}px`;
  });
  document.addEventListener("pointerup", (event) => {
    if (!drag) return;
    const { lanes, from, box } = drag;
    drag = null;
    if (!box) return;
    box.remove();
    const ends = [from, event.clientX].map((x) => msAt(lanes, x)).sort((a, b) => a - b);
    show(ends, null);
    // The click that follows belongs to this.
    dragged = true;
    setTimeout(() => { dragged = false; }, 0);
  });
  page.addEventListener("click", (event) => {
    if (dragged) event.stopImmediatePropagation();
  }, { capture: true });
  page.addEventListener("click", (event) => {
    const button = event.target.closest?.("[data-sv-zoom]");
    if (button) {
      zoom(button.dataset.svZoom === "in" ? 1 / 3 : 3);
      return;
    }
    const choice = event.target.closest?.('[data-sv-option="axis"] .sv-choice');
    // A very long call is drawn anew by the server, with more to be seen.
    const coarse = card().dataset.coarse !== undefined;
    if (choice && !coarse && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      named(choice.dataset.value);
      return;
    }
    const lanes = event.target.closest?.(".sv-lanes");
    if (lanes && !event.target.closest("[data-sv-choose]")) choose(meantAt(event, lanes), "axis");
  });

  // Where the keys stop: every message, line and bucket there is.
  const stops = (lanes) => {
    const marks = [...lanes.querySelectorAll("[data-at]:not(text)")].map((mark) => [Number(mark.dataset.at), mark]);
    const columns = [...lanes.querySelectorAll("[data-from]:has(title)")]
      .map((each) => (Number(each.dataset.from) + Number(each.dataset.to)) / 2)
      .map((ms) => [ms, ms]);
    return [...marks, ...columns].sort((one, other) => one[0] - other[0]);
  };
  page.addEventListener("keydown", (event) => {
    if (!event.target.matches?.(".sv-lanes") || event.ctrlKey || event.metaKey || event.altKey) return;
    const all = stops(event.target);
    const at = now ?? -Infinity;
    const steps = {
      ArrowRight: () => all.find(([ms]) => ms > at + 0.0005),
      ArrowUp: () => all.find(([ms]) => ms > at + 0.0005),
      ArrowLeft: () => all.findLast(([ms]) => ms < at - 0.0005),
      ArrowDown: () => all.findLast(([ms]) => ms < at - 0.0005),
      Home: () => all[0],
      End: () => all.at(-1),
    };
    const zooms = { "+": 1 / 3, "=": 1 / 3, "-": 3 };
    if (steps[event.key]) {
      event.preventDefault();
      const stop = steps[event.key]();
      if (stop) choose(stop[1], "axis");
    } else if (zooms[event.key]) {
      event.preventDefault();
      zoom(zooms[event.key]);
    } else if (event.key === "0") {
      event.preventDefault();
      named("");
    }
  });

  // Whatever comes later is made like what is there.
  onAdded((root) => {
    const all = root.matches?.(".sv-lanes") ? [root] : root.querySelectorAll(".sv-lanes");
    if (!all.length) return;
    const [first, last] = whole();
    if (shown === "") view = around();
    for (const lanes of all) {
      lanes.tabIndex = 0;
      lanes.setAttribute("role", "slider");
      lanes.setAttribute("aria-label", lanes.dataset.name);
      lanes.setAttribute("aria-valuemin", Math.floor(first / 1000));
      lanes.setAttribute("aria-valuemax", Math.ceil(last / 1000));
      lanes.setAttribute("aria-valuenow", Math.round((now ?? first) / 1000));
    }
    place(root);
    if (now !== null) point(now);
  });

  window.addEventListener("resize", () => place(page));

  return { show, zoom };
};
