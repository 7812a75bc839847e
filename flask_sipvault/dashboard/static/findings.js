// The findings: a click on a piece of evidence goes there in every view, and marks what
// else belongs to the same finding.

export const start = ({ page, moment, onAdded, all }) => {
  let marked = [];

  const numbers = (finding) => [...finding.querySelectorAll(".sv-evidence[data-n]")]
    .map((link) => Number(link.dataset.n));

  const mark = (root = page) => {
    for (const element of root.querySelectorAll(".sv-isevidence")) element.classList.remove("sv-isevidence");
    for (const n of marked) {
      for (const element of root.querySelectorAll(`:is(.sv-row, .sv-msg, .sv-tickmark)[data-n="${n}"]`)) {
        element.classList.add("sv-isevidence");
      }
    }
  };
  const choose = (finding) => {
    marked = finding ? numbers(finding) : [];
    for (const other of all("[data-sv-finding]")) other.classList.toggle("sv-chosen", other === finding);
    mark();
  };
  onAdded(() => mark());

  page.addEventListener("toggle", (event) => {
    const finding = event.target.closest("[data-sv-finding]");
    if (!finding) return;
    if (event.target.open) choose(finding);
    else if (finding.classList.contains("sv-chosen")) choose(null);
  }, true);

  page.addEventListener("click", (event) => {
    const link = event.target.closest(".sv-evidence");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    choose(link.closest("[data-sv-finding]"));
    // A message is opened by its own script, which sees the same click.
    if (link.dataset.n || !link.dataset.ms) return;
    moment.choose({
      ms: Number(link.dataset.ms),
      by: "finding",
      line: link.dataset.line ? Number(link.dataset.line) : null,
    });
  });

  return { choose };
};
