// What the call page can do beyond plain HTML. Without it everything on the page can
// still be read, and every way to see it is a link; with it, choosing a row of the ladder
// shows its message beside it, and what a long call has more comes when it is wanted.
//
// Each part is a module beside this one, loaded under the version of this release, which
// a static import would lose. It gets what it needs as `tools`: the page's outermost
// element, the words for the reader, and the parts started before it. What lies on the
// time axis hears of each other by events alone, see moment.js.

const { search } = new URL(import.meta.url);
const part = (name) => import(`./${name}.js${search}`);

const PARTS = ["bar", "moment", "pieces", "messages", "ladder", "filter", "findings", "compare", "logs", "timeline", "live", "keys"];

// A browser may forbid the storage: then a choice lasts as long as the page.
const remembered = (key) => {
  try { return localStorage.getItem(`sipvault-${key}`); } catch { return null; }
};
const remember = (key, value) => {
  try { localStorage.setItem(`sipvault-${key}`, value); } catch { /* see above */ }
};

const start = async (page) => {
  const [{ words }, ...modules] = await Promise.all([part("words"), ...PARTS.map(part)]);
  const status = page.querySelector("[data-sv-status]");
  const hooks = [];
  const tools = {
    page,
    words,
    remembered,
    remember,
    all: (selector) => [...page.querySelectorAll(selector)],
    say: (text) => { if (status) status.textContent = text; },
    // Whatever is put into the page later is made ready like what came with it.
    onAdded: (hook) => { hooks.push(hook); hook(page); },
    added: (root) => { for (const hook of hooks) hook(root); },
  };
  tools.onAdded((root) => {
    for (const element of root.querySelectorAll("[data-sv-script]")) element.hidden = false;
  });
  modules.forEach((module, at) => { tools[PARTS[at]] = module.start(tools); });
  tools.messages?.open();
};

const page = document.querySelector(".sipvault");
if (page) start(page);
