// Light or dark as the reader chose it, before the page is painted, so that it does not
// flash. The button that chooses is in bar.js.
(() => {
  "use strict";
  let theme = null;
  // A browser may forbid the storage: then a choice lasts as long as the page.
  try { theme = localStorage.getItem("sipvault-theme"); } catch { /* as the system has it */ }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.svTheme = theme;
})();
