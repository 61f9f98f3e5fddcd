// A lab: an editor of the learner's file, the verdict of the last check, hints, progress.

const SIGNS = {
  passed: "✓ passed",
  failed: "✕ not yet",
  waiting: "… waits",
  open: "open",
};

// A new line begins where the line before begins: this is Python.
function keepIndent(area) {
  area.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const before = area.value.slice(0, area.selectionStart);
    const indent = before.slice(before.lastIndexOf("\n") + 1).match(/^ */)[0];
    area.setRangeText(`\n${indent}`, area.selectionStart, area.selectionEnd, "end");
    area.dispatchEvent(new Event("input"));
  });
}

function makeEditor(root, id, onInput) {
  const label = element("label", "", root);
  label.htmlFor = `${id}-text`;
  const area = keepKeys(element("textarea", "", root));
  area.id = `${id}-text`;
  area.rows = 18;
  area.spellcheck = false;
  area.autocapitalize = "off";
  keepIndent(area);
  area.addEventListener("input", onInput);
  return { label, area };
}

function makeRow(table, className, cells) {
  const row = element("tr", className, table);
  for (const [tag, name] of cells) element(tag, name, row);
  row.firstElementChild.scope = "row";
  return row;
}

function makeTable(root, caption, className, cells) {
  const title = element("h5", "", root);
  title.textContent = caption;
  const table = element("table", "veristack-table", root);
  const body = element("tbody", "", table);
  const make = (parent) => makeRow(parent, className, cells);
  const draw = (items, fill) => {
    setFlag(title, "hidden", items.length === 0);
    setFlag(table, "hidden", items.length === 0);
    fit(body, items, make, fill);
  };
  return { table, draw };
}

function drawState(node, state) {
  setText(node, SIGNS[state] || state);
  setAttribute(node.parentElement, "data-state", state);
}

// Pieces of text in lines; what matters is marked, and its words stand behind the line.
function drawPicture(pre, lines) {
  const wanted = JSON.stringify(lines);
  if (pre.dataset.lines === wanted) return;
  pre.dataset.lines = wanted;
  pre.replaceChildren();
  for (const pieces of lines) {
    for (const piece of pieces) {
      element(piece.mark ? "mark" : "span", "", pre).textContent = piece.text;
    }
    const words = pieces.map((piece) => piece.words).filter(Boolean);
    if (words.length) element("b", "", pre).textContent = `   ← ${words.join("; ")}`;
    pre.append("\n");
  }
}

function render({ model, el }) {
  const first = model.get("state");
  const id = `veristack-${first.name}`;
  const root = element("div", "veristack-view veristack-lab", el);
  root.id = id;
  element("h4", "", root).textContent = `Lab ${first.lab}: ${first.title}`;
  const where = element("p", "", root);
  let shown = null;
  let send = () => {};
  const isChanged = () => editor !== null && shown !== null && editor.area.value !== shown.text;
  const editor = first.editor ? makeEditor(root, id, () => drawButtons()) : null;
  const typed = () =>
    isChanged() ? { text: editor.area.value, version: shown.version } : null;

  const bar = element("div", "veristack-bar", root);
  const saver = editor && makeButton(bar, `${id}-save`, "Save", () => {
    if (isChanged()) send("save", typed());
  });
  const checker = makeButton(bar, `${id}-check`, editor ? "Save and check" : "Check again", () => {
    send("check", typed());
  });
  const hinter = makeButton(bar, `${id}-hint`, "Hint", () => send("hint"));
  const loader = editor && makeButton(bar, `${id}-reload`, "Reload", () => {
    shown = null;
    send("reload");
  });
  const meter = element("progress", "", bar);
  meter.setAttribute("aria-label", "tasks passed");
  const count = element("span", "", bar);
  count.id = `${id}-count`;
  const note = element("p", "veristack-note", root);
  note.id = `${id}-note`;
  note.setAttribute("role", "status");
  note.setAttribute("aria-live", "polite");
  const stale = element("p", "", root);
  stale.id = `${id}-stale`;
  const hint = element("p", "veristack-hint", root);
  hint.id = `${id}-hint-text`;
  hint.setAttribute("role", "status");

  const bad = makeTable(root, "First bad event", "veristack-fact", [["th", ""], ["td", ""]]);
  bad.table.id = `${id}-bad`;
  const pictureTitle = element("h5", "", root);
  const picture = element("pre", "veristack-picture", root);
  picture.id = `${id}-picture`;
  picture.tabIndex = 0;
  const tasks = makeTable(root, "Tasks", "veristack-task-row", [["th", ""], ["td", "veristack-state"]]);
  tasks.table.id = `${id}-tasks`;
  const checks = makeTable(root, "Checks", "veristack-check-row", [["th", ""], ["td", "veristack-state"]]);
  checks.table.id = `${id}-checks`;

  function drawButtons() {
    const state = model.get("state");
    const isFree = !state.closed && !state.busy && state.begun;
    setEnabled(checker, isFree);
    setEnabled(hinter, isFree);
    if (!editor) return;
    setEnabled(saver, isFree && isChanged());
    setEnabled(loader, isFree);
  }

  function drawEditor(state) {
    setText(editor.label, `Your file ${state.path.split("/").pop()}`);
    if (shown === null || shown.version !== state.version) {
      // Text that was typed meanwhile stays, until it is saved or Reload is pressed.
      if (!isChanged()) editor.area.value = state.text;
      if (!isChanged() || editor.area.value === state.text) shown = state;
    }
    setFlag(editor.area, "readonly", state.closed);
  }

  const connection = connect(model, note, (state) => {
    setText(where, state.begun
      ? `${state.path} (in a terminal: ${state.command})`
      : `Not begun: lessons.start("${state.lab}") begins it.`);
    if (editor) drawEditor(state);
    drawButtons();
    meter.max = state.tasks.length;
    meter.value = state.passed;
    setText(count, `${state.passed} of ${state.tasks.length} tasks passed`);
    const isStale = "The file has changed since this panel checked it; what follows is the old verdict.";
    setText(stale, state.stale ? isStale : "");
    setFlag(stale, "hidden", !state.stale);
    setText(hint, state.hint);
    bad.draw(state.bad ? state.bad.rows : [], (row, [name, text]) => {
      setText(row.children[0], name);
      setText(row.children[1], text);
    });
    setText(pictureTitle, state.bad ? state.bad.title : "");
    drawPicture(picture, state.bad ? state.bad.lines : []);
    setFlag(picture, "hidden", !(state.bad && state.bad.lines.length));
    tasks.draw(state.tasks, (row, task) => {
      setText(row.children[0], `${task.id} ${task.title}`);
      drawState(row.children[1], task.state);
    });
    checks.draw(state.checks, (row, check) => {
      setText(row.children[0], `${check.task} ${check.title}`);
      drawState(row.children[1], check.state);
    });
  });
  send = connection.send;
  connection.redraw();
  return connection.disconnect;
}

export default { render };
