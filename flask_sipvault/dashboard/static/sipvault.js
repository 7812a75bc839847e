// What the call page can do beyond plain HTML. Without this file everything on it can
// still be read; with it, choosing a row of the ladder shows its message beside it.
(() => {
  "use strict";

  const THEME = "sipvault-theme";
  const ZONE = "sipvault-zone";
  const WIDE = window.matchMedia("(min-width: 1120px)");
  const root = document.documentElement;

  // A browser may forbid the storage: then a choice lasts as long as the page.
  const remembered = (key) => {
    try { return localStorage.getItem(key); } catch { return null; }
  };
  const remember = (key, value) => {
    try { localStorage.setItem(key, value); } catch { /* see above */ }
  };

  // Before the page is painted, so that it does not flash.
  const theme = remembered(THEME);
  if (theme === "light" || theme === "dark") root.dataset.svTheme = theme;

  const start = () => {
    const page = document.querySelector(".sipvault");
    if (!page) return;
    const all = (selector) => [...page.querySelectorAll(selector)];
    const status = page.querySelector("[data-sv-status]");
    const say = (words) => { if (status) status.textContent = words; };

    for (const element of all("[data-sv-script]")) element.hidden = false;

    // Light, dark, or as the system has it -------------------------------------------
    const themes = ["auto", "light", "dark"];
    const themeButton = page.querySelector("[data-sv-theme-button]");
    const nameTheme = () => {
      const current = root.dataset.svTheme || "auto";
      themeButton.querySelector("span").textContent = current;
    };
    if (themeButton) {
      nameTheme();
      themeButton.addEventListener("click", () => {
        const current = root.dataset.svTheme || "auto";
        const next = themes[(themes.indexOf(current) + 1) % themes.length];
        if (next === "auto") delete root.dataset.svTheme;
        else root.dataset.svTheme = next;
        remember(THEME, next);
        nameTheme();
        say(`Colours: ${next}`);
      });
    }

    // UTC, or the time where the reader sits -----------------------------------------
    const zoneButton = page.querySelector("[data-sv-zone-button]");
    const pad = (value, width) => String(value).padStart(width, "0");
    const localTime = (moment) =>
      `${pad(moment.getHours(), 2)}:${pad(moment.getMinutes(), 2)}`
      + `:${pad(moment.getSeconds(), 2)}`;
    const offsetName = (moment) => {
      const minutes = -moment.getTimezoneOffset();
      const size = Math.abs(minutes);
      return `UTC${minutes < 0 ? "−" : "+"}${pad(Math.floor(size / 60), 2)}`
        + `:${pad(size % 60, 2)}`;
    };
    const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
    const showZone = (local) => {
      for (const element of all("time[datetime]")) {
        element.dataset.utc ??= element.textContent;
        if (!local) { element.textContent = element.dataset.utc; continue; }
        const moment = new Date(element.dateTime);
        const fraction = /\.(\d{3})/.exec(element.dateTime);
        const day = `${moment.getDate()} ${months[moment.getMonth()]}`
          + ` ${moment.getFullYear()}`;
        element.textContent = {
          day: `${day}, ${localTime(moment)} ${offsetName(moment)}`,
          hour: `${localTime(moment).slice(0, 5)} ${offsetName(moment)}`,
        }[element.dataset.form] ?? `${localTime(moment)}.${fraction ? fraction[1] : "000"}`;
      }
      if (zoneButton) {
        zoneButton.textContent = local ? "Local time" : "UTC";
        zoneButton.setAttribute("aria-pressed", String(local));
      }
    };
    if (zoneButton) {
      showZone(remembered(ZONE) === "local");
      zoneButton.addEventListener("click", () => {
        const local = zoneButton.getAttribute("aria-pressed") !== "true";
        remember(ZONE, local ? "local" : "utc");
        showZone(local);
        say(local ? "Times are local" : "Times are UTC");
      });
    }

    // Copy ----------------------------------------------------------------------------
    const copy = async (source) => {
      const text = source.textContent;
      try {
        await navigator.clipboard.writeText(text);
      } catch {
        // No permission, or no HTTPS: select it, so that Ctrl+C does the rest.
        getSelection().selectAllChildren(source);
        if (!document.execCommand("copy")) { say("Selected: press Ctrl+C"); return false; }
      }
      say("Copied");
      return true;
    };
    for (const button of all("[data-sv-copy]")) {
      button.addEventListener("click", async () => {
        const source = document.getElementById(button.dataset.svCopy);
        const label = button.textContent;
        if (await copy(source)) {
          button.textContent = "Copied";
          setTimeout(() => { button.textContent = label; }, 1500);
        }
      });
    }

    // An open menu closes when one looks elsewhere.
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

    // Choosing a message -----------------------------------------------------------------
    const work = page.querySelector("[data-sv-work]");
    if (!work) return;
    const messages = all(".sv-msg");
    const numbers = messages.map((message) => message.dataset.n);
    const rows = all(".sv-row");
    const allButton = page.querySelector("[data-sv-all]");
    const first = numbers.find((n) => n === work.dataset.svWork) ?? numbers[0];
    let chosen = null;

    const numberIn = (hash) => {
      const match = /^#m(\d+)$/.exec(hash);
      return match && numbers.includes(match[1]) ? match[1] : null;
    };
    const beside = () => WIDE.matches && work.classList.contains("sv-one");

    // A wide ladder scrolls sideways: bring the arrow into sight, not just its row.
    const reveal = (row) => {
      const box = row.closest(".sv-scrolls");
      const arrow = row.querySelector(".sv-arrow");
      if (!box || !arrow) return;
      const [inner, outer] = [arrow, box].map((each) => each.getBoundingClientRect());
      if (inner.left < outer.left || inner.right > outer.right) {
        box.scrollLeft += (inner.left + inner.right - outer.left - outer.right) / 2;
      }
    };
    const choose = (n) => {
      chosen = n;
      for (const row of rows) {
        if (row.dataset.n !== n) { row.removeAttribute("aria-current"); continue; }
        row.setAttribute("aria-current", "true");
        reveal(row);
      }
      fold();
    };
    // Beside the ladder only the chosen message shows. The others are hidden in a way
    // that the browser's own search still finds them.
    const fold = () => {
      for (const message of messages) {
        const here = message.dataset.n === chosen;
        if (here) message.open = true;
        else if (beside()) message.open = false;
        if (beside() && !here) message.setAttribute("hidden", "until-found");
        else message.removeAttribute("hidden");
      }
    };
    // "afar": the reader comes from the log or the RTCP table further down.
    const show = (n, { from = "ladder" } = {}) => {
      choose(n);
      const keep = from === "keyboard";
      history[keep ? "replaceState" : "pushState"](null, "", `#m${n}`);
      const row = rows.find((each) => each.dataset.n === n);
      if (beside()) {
        work.querySelector(".sv-messages").scrollTop = 0;
        if (from === "afar") work.scrollIntoView({ block: "start" });
        else row?.scrollIntoView({ block: "nearest", inline: "nearest" });
        if (from !== "ladder") row?.focus({ preventScroll: true });
      } else {
        document.getElementById(`m${n}`)?.scrollIntoView({ block: "start" });
      }
    };

    page.addEventListener("click", (event) => {
      const link = event.target.closest('a[href^="#m"]');
      const n = link && numberIn(link.getAttribute("href"));
      if (!n || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      show(n, { from: work.contains(link) ? "ladder" : "afar" });
    });
    for (const message of messages) {
      message.addEventListener("beforematch", () => choose(message.dataset.n));
    }
    WIDE.addEventListener("change", () => {
      if (WIDE.matches && !chosen && first !== undefined) choose(first);
      else fold();
    });
    window.addEventListener("popstate", () => {
      const n = numberIn(location.hash) ?? first;
      if (n !== undefined) choose(n);
    });

    const showOne = (one) => {
      work.classList.toggle("sv-one", one);
      if (allButton) {
        allButton.setAttribute("aria-pressed", String(!one));
      }
      fold();
    };
    allButton?.addEventListener("click", () => {
      showOne(!work.classList.contains("sv-one"));
    });

    const step = (by) => {
      const at = numbers.indexOf(chosen);
      const next = Math.min(Math.max(at + by, 0), numbers.length - 1);
      if (numbers[next] !== undefined) show(numbers[next], { from: "keyboard" });
    };
    for (const button of all("[data-sv-step]")) {
      button.addEventListener("click", () => step(Number(button.dataset.svStep)));
    }
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.target.closest("input, textarea, select, [contenteditable]")) return;
      if (event.key === "j") step(1);
      else if (event.key === "k") step(-1);
    });

    work.classList.add("sv-one");
    const linked = numberIn(location.hash);
    if (linked) choose(linked);
    else if (WIDE.matches && first !== undefined) choose(first);
  };

  if (document.readyState === "loading") {
    document.addEventListener("DOMContentLoaded", start);
  } else {
    start();
  }
})();
