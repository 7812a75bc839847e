// Long lists come in pieces: each ".sv-piece" of a list holds the messages or lines from
// data-first to data-last; one with data-later is still to be fetched.

// A busy server says in how many seconds to ask again; one whose store is down says more
// than a reader waits for.
const SOON = 5;

const htmlOf = async (url, tries = 3) => {
  const answer = await fetch(url, { headers: { Accept: "text/html" } });
  const seconds = Number(answer.headers.get("Retry-After"));
  if (answer.status === 503 && tries > 1 && seconds > 0 && seconds <= SOON) {
    await new Promise((done) => { setTimeout(done, seconds * 1000); });
    return htmlOf(url, tries - 1);
  }
  if (!answer.ok) throw new Error(String(answer.status));
  return new DOMParser().parseFromString(await answer.text(), "text/html");
};

export const start = ({ page, words, say, added }) => {
  const problem = (error) => {
    const text = error.message === "401" ? words.expired : words.unreachable;
    say(text);
    return text;
  };

  // The ways in which the reader sees messages and log; they go into the address, so that
  // a reload or a copied link shows the same.
  const shown = new URLSearchParams(location.search);
  const view = (names) => {
    const query = names.filter((name) => shown.get(name)).map((name) => [name, shown.get(name)]);
    return query.length ? `&${new URLSearchParams(query)}` : "";
  };
  const set = (name, value) => {
    if (value) shown.set(name, value);
    else shown.delete(name);
    for (const place of ["from", "line"]) shown.delete(place);
    history.replaceState(history.state, "", `?${shown}${location.hash}`);
  };

  // list: gives the element that holds the pieces; it may be replaced.
  // address: gives what to fetch; place: the parameter that says from where.
  // height: of a message or line on average, so that what is still to come has its place.
  const pieces = ({ list, address, place, item, height = 0, onLoad = () => {} }) => {
    const all = () => [...(list()?.querySelectorAll(":scope > .sv-piece") ?? [])];
    const loading = new WeakMap();

    const fetchPiece = async (piece) => {
      const link = piece.querySelector(".sv-more");
      if (link) link.dataset.svLoading = words.loading;
      try {
        const { first } = piece.dataset;
        const html = await htmlOf(`${address()}&${place}=${first}`);
        const fresh = html.querySelector(`.sv-piece[data-first="${first}"]:not([data-later])`);
        if (!fresh) throw new Error("gone");
        piece.replaceChildren(...fresh.childNodes);
        delete piece.dataset.later;
        if (height) piece.style.minHeight = "";
        added(piece);
        onLoad(piece);
      } catch (error) {
        loading.delete(piece);
        if (link) link.dataset.svLoading = problem(error);
        throw error;
      }
    };
    const load = (piece) => {
      if (piece.dataset.later === undefined) return Promise.resolve();
      if (!loading.has(piece)) loading.set(piece, fetchPiece(piece));
      return loading.get(piece);
    };

    const near = new IntersectionObserver((entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        load(target).catch(() => {});
      }
    }, { rootMargin: "900px", scrollMargin: "900px" });
    const watch = () => {
      near.disconnect();
      for (const piece of all()) {
        if (piece.dataset.later === undefined) continue;
        if (height) piece.style.minHeight = `${height * Number(piece.dataset.count)}px`;
        near.observe(piece);
      }
    };

    page.addEventListener("click", (event) => {
      const link = event.target.closest(".sv-more a");
      const piece = link?.closest(".sv-piece");
      if (!piece || !list()?.contains(piece)) return;
      event.preventDefault();
      load(piece).catch(() => {});
    });

    const holding = (test) => all().filter(test).at(-1) ?? all()[0];
    const elementOf = (piece, n) =>
      [...(piece?.querySelectorAll(item) ?? [])]
        .find((each) => (each.dataset.n ?? each.dataset.line) === String(n));

    return {
      all,
      load,
      watch,
      complete: () => all().every((piece) => piece.dataset.later === undefined),
      // The element of a number, fetched if need be; undefined where there is none.
      find: async (n) => {
        const piece = holding((each) => Number(each.dataset.first) <= n);
        if (!piece) return undefined;
        await load(piece).catch(() => {});
        return elementOf(piece, n);
      },
      // The element nearest in time.
      nearest: async (ms) => {
        const piece = holding((each) => Number(each.dataset.ms) <= ms);
        if (!piece) return undefined;
        await load(piece).catch(() => {});
        const distance = (element) => Math.abs(Number(element.dataset.ms) - ms);
        const following = piece.nextElementSibling?.querySelector(item);
        const elements = [...piece.querySelectorAll(item), ...(following ? [following] : [])]
          .filter((element) => !element.closest(".sv-out"));
        return elements.reduce(
          (best, each) => (best && distance(best) <= distance(each) ? best : each),
          undefined,
        );
      },
      // Fetches the whole list anew, as the reader now wants to see it.
      replace: async (from) => {
        const html = await htmlOf(`${address()}${from ? `&${place}=${from}` : ""}`);
        const old = list();
        const fresh = html.querySelector(`[${[...old.getAttributeNames()]
          .find((name) => name.startsWith("data-sv-"))}]`);
        old.replaceWith(fresh);
        added(fresh);
        for (const piece of all()) onLoad(piece);
        watch();
        return fresh;
      },
    };
  };

  return { pieces, htmlOf, problem, view, set, get: (name) => shown.get(name) ?? "" };
};
