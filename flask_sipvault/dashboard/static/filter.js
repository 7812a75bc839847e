// Which messages to see. The rules are those of message_filter.py; they apply here where
// all the messages are on the page, else the server is asked.

const METHODS = new Set(("ACK BYE CANCEL INFO INVITE MESSAGE NOTIFY OPTIONS PRACK PUBLISH"
  + " REFER REGISTER SUBSCRIBE UPDATE").split(" "));
const CODE = /^[1-6](?:\d\d|xx)$/i;
const ADDRESS = /^(?=.*\d)(?=.*[.:])[\da-f.:[\]]+$/i;

const understood = (text) => {
  const tests = [];
  for (const [, quoted, plain] of text.matchAll(/"([^"]*)"?|(\S+)/g)) {
    if (quoted) tests.push(["text", quoted.toLowerCase()]);
    else if (!plain) continue;
    else if (METHODS.has(plain.toUpperCase())) tests.push(["method", plain.toUpperCase()]);
    else if (CODE.test(plain)) tests.push(["code", plain.toLowerCase()]);
    else if (ADDRESS.test(plain)) tests.push(["ends", plain.toLowerCase()]);
    else tests.push(["text", plain.toLowerCase()]);
  }
  return tests;
};

const textOf = (message) =>
  [".sv-route", ".sv-raw", ".sv-dump"]
    .flatMap((selector) => [...message.querySelectorAll(selector)])
    .map((element) => element.textContent).join("\n").toLowerCase();

const fits = (message, tests) => tests.every(([what, word]) => {
  const { method, code, ends } = message.dataset;
  switch (what) {
    case "method": return method === word;
    case "code": return code === word || (code && word === `${code[0]}xx`);
    case "ends": return ends.includes(word);
    default: return textOf(message).includes(word);
  }
});

export const start = ({ page, words, say, messages, ladder, pieces }) => {
  const field = page.querySelector("[data-sv-find]");
  if (!field || !messages) return null;
  const told = page.querySelector("[data-sv-found]");
  const count = () => Number([...page.querySelectorAll('[data-sv-option="find"] .sv-choice')]
    .find((choice) => choice.dataset.value === "")?.querySelector("small").textContent
    .replace(/\D/g, ""));
  // Whether what came with the page is already only some of it.
  let partial = pieces.get("find") !== "";
  let waiting = null;
  let asked = 0;

  const tell = (found) => {
    const text = field.value.trim() === "" ? "" : words.found(found, count());
    if (told) told.textContent = text;
    say(found === 0 ? words.noneFound : text);
  };
  const local = (tests) => {
    const found = new Set();
    for (const message of messages.list().querySelectorAll(".sv-msg")) {
      const wanted = fits(message, tests);
      message.classList.toggle("sv-out", !wanted);
      if (wanted) found.add(Number(message.dataset.n));
    }
    ladder?.filter(tests.length ? found : null);
    return found.size;
  };
  const remote = async () => {
    const turn = ++asked;
    const fresh = await messages.replace();
    if (turn !== asked) return Number(fresh.dataset.found);
    ladder?.filter(null);
    await ladder?.replace();
    partial = field.value.trim() !== "";
    return Number(fresh.dataset.found);
  };

  const apply = async () => {
    clearTimeout(waiting);
    const text = field.value.trim();
    const tests = understood(text);
    pieces.set("find", text);
    ladder?.options("find", text);
    try {
      const here = !partial && messages.complete() && messages.everything();
      const found = here ? local(tests) : await remote();
      tell(found);
      const visible = messages.shown();
      const chosen = messages.chosen();
      if (visible.length && !visible.some((each) => Number(each.dataset.n) === chosen)) {
        messages.show(Number(visible[0].dataset.n), "here");
      }
      messages.fold();
    } catch (error) {
      if (told) told.textContent = pieces.problem(error);
    }
  };

  field.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(apply, 150);
  });
  page.addEventListener("click", (event) => {
    const choice = event.target.closest('[data-sv-option="find"] .sv-choice');
    if (!choice || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    field.value = choice.dataset.value;
    apply();
  });

  // More of a call that is still up has come, as far as it fits.
  page.addEventListener("sipvault:more", () => {
    partial = pieces.get("find") !== "";
    ladder?.filter(null);
    if (partial) tell(Number(messages.list().dataset.found));
  });

  return {
    focus: () => { field.focus(); field.select(); },
    // Whether there was anything to clear.
    clear: () => {
      if (field.value === "") return false;
      field.value = "";
      apply();
      return true;
    },
  };
};
