// A call that is still up: asks now and then whether there is more of it, and puts that in
// where it belongs. What the reader has chosen, opened, scrolled to and typed stays.
//
// What has data-sv-live="name" gets the content of its namesake in the new page; ladder,
// messages and log are fetched anew around what the reader looks at.

const SLOWEST = 60;  // seconds between two questions

const countOf = (version) =>
  version.split("_").reduce((sum, each) => sum + Number.parseInt(each, 10), 0);

// Finds again what had the focus, once its surroundings are new.
const keepFocus = (page) => {
  const had = document.activeElement;
  if (!had || !page.contains(had)) return () => {};
  const list = had.closest("[data-sv-live]");
  const place = list && [...list.querySelectorAll(had.localName)].indexOf(had);
  const name = had.id ? `#${CSS.escape(had.id)}`
    : had.matches(".sv-row") ? `.sv-row[data-n="${had.dataset.n}"]`
      : had.matches("summary") && had.closest(".sv-msg")
        ? `.sv-msg[data-n="${had.closest(".sv-msg").dataset.n}"] > summary` : null;
  return () => {
    if (had.isConnected) return;
    const again = name ? page.querySelector(name)
      : list?.isConnected && list.querySelectorAll(had.localName)[place];
    (again || page.querySelector("#sv-live-heading"))?.focus({ preventScroll: true });
  };
};

// Keeps what the reader is at where it is, or else what is at the top of the window, and
// what scrolls by itself as it is: findings and figures above may grow.
const keepScroll = (page) => {
  const boxes = ["[data-sv-drawing]", "[data-sv-log]", ".sv-messages"];
  const before = boxes.map((name) => {
    const box = page.querySelector(name);
    return box && [box.scrollTop, box.scrollLeft];
  });
  const sections = [...page.querySelectorAll("#sv-answer > *")];
  const seen = sections.filter((each) => {
    const { top: above, bottom } = each.getBoundingClientRect();
    return bottom > 0 && above < window.innerHeight;
  });
  const top = seen.find((each) => each.contains(document.activeElement)) ?? seen[0];
  const was = top?.getBoundingClientRect().top;
  return () => {
    boxes.forEach((name, at) => {
      const box = page.querySelector(name);
      if (box && before[at]) [box.scrollTop, box.scrollLeft] = before[at];
    });
    if (window.scrollY > 0 && top?.isConnected) {
      window.scrollBy({ top: top.getBoundingClientRect().top - was, behavior: "instant" });
    }
  };
};

const keepOpen = (page) => {
  const open = [...page.querySelectorAll(".sv-msg[open]")].map((each) => each.dataset.n);
  return () => {
    for (const n of open) {
      const message = page.querySelector(`.sv-msg[data-n="${n}"]:not([hidden])`);
      if (message) message.open = true;
    }
  };
};

export const start = (tools) => {
  const { page, words, say, added, pieces, moment, messages, ladder, logs } = tools;
  const notice = page.querySelector("[data-sv-live-url]");
  if (!notice) return null;
  const told = notice.querySelector("[data-sv-live-words]");
  const heading = notice.querySelector("h2");
  heading.tabIndex = -1;
  const fastest = Number(notice.dataset.wait);
  let { version } = notice.dataset;
  let wait = fastest;
  let timer = null;
  let over = false;

  const tell = (text) => { told.textContent = text; };
  const end = (text) => {
    over = true;
    clearTimeout(timer);
    tell(text);
    say(text);
  };

  const refresh = async () => {
    const fresh = await pieces.htmlOf(location.href.split("#")[0]);
    // Where there was no ladder or log to put more into, all of it is new.
    const has = (root, name) => Boolean(root.querySelector(name));
    if (["[data-sv-work]", "[data-sv-log]"].some(
      (name) => has(fresh, name) !== has(page, name))) {
      location.reload();
      return;
    }
    const undo = [keepFocus(page), keepScroll(page), keepOpen(page)].reverse();
    for (const old of page.querySelectorAll("[data-sv-live]")) {
      const like = fresh.querySelector(`[data-sv-live="${old.dataset.svLive}"]`);
      if (!like || like.innerHTML === old.innerHTML) continue;
      old.replaceChildren(...like.childNodes);
      added(old);
    }
    const chosen = messages?.chosen() ?? undefined;
    await messages?.replace(chosen);
    await ladder?.replace(chosen);
    await logs?.replace(moment.current()?.line ?? undefined);
    const current = moment.current();
    if (current) moment.choose({ ...current, quiet: true });
    page.dataset.end = fresh.querySelector(".sipvault").dataset.end;
    document.title = fresh.title;
    // Ladder and messages mark what is chosen a little later.
    await new Promise((done) => { setTimeout(done, 0); });
    for (const each of undo) each();
    page.dispatchEvent(new CustomEvent("sipvault:more", { bubbles: true }));

    const still = fresh.querySelector("[data-sv-live-url]");
    if (!still) {
      heading.textContent = words.callOver;
      end(words.callComplete);
      return;
    }
    version = still.dataset.version;
    const at = new Date().toLocaleTimeString();
    tell(words.moreAt(at));
    say(words.more);
  };

  const ask = async () => {
    try {
      const answer = await fetch(notice.dataset.svLiveUrl, {
        headers: { Accept: "application/json" },
      });
      if (answer.status === 401 || answer.status === 403) { end(words.liveExpired); return; }
      if (answer.status === 404) { end(words.liveGone); return; }
      if (!answer.ok) throw new Error(String(answer.status));
      const news = await answer.json();
      // One of several servers may know less than this page shows already.
      if (news.version !== version && countOf(news.version) >= countOf(version)) {
        await refresh();
        wait = fastest;
      } else {
        wait = Math.min(wait * 1.5, Math.max(SLOWEST, fastest));
      }
    } catch (error) {
      if (error.message === "401") { end(words.liveExpired); return; }
      tell(words.liveAway);
      wait = Math.min(wait * 2, Math.max(SLOWEST, fastest));
    }
    if (!over) plan();
  };
  const plan = () => {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, wait * 1000);
  };

  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (!over && !document.hidden) ask();
  });
  tell(words.live);
  plan();
  return { refresh };
};
