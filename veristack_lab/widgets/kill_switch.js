// Draws snapshots of real processes and sends back what is pressed.
//
// Every element is made once and then changed in place: a redraw that replaced elements would
// lose the focus, and every click whose press and release fall on both sides of it.

const VERBS = ["kill", "pause", "resume", "restart"];
const LABELS = { kill: "Kill", pause: "Pause", resume: "Resume", restart: "Restart" };
const STATES = {
  alive: "● alive",
  paused: "❚❚ paused",
  dead: "✕ dead",
  restarting: "↻ restarting",
};
const STALE_MS = 5000;
const CLOSED =
  "Closed. This is what was seen last. To use it again, run the notebook from the top.";

function element(tag, className, parent) {
  const node = document.createElement(tag);
  node.className = className;
  parent.append(node);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// With the focus on an output JupyterLab obeys the keys of its command mode: x cuts the cell.
// It looks for this mark on the focused element itself and not above it.
function keepKeys(node) {
  node.setAttribute("data-lm-suppress-shortcuts", "true");
}

function possible(verb, target, closed) {
  if (closed || !target.verbs.includes(verb) || target.state === "restarting") return false;
  if (verb === "kill") return target.state !== "dead";
  if (verb === "pause") return target.state === "alive";
  if (verb === "resume") return target.state === "paused";
  return true;
}

function makeButton(row, verb, name, press) {
  const button = element("button", `veristack-${verb}`, row.buttons);
  button.type = "button";
  button.id = verb === "kill" ? `veristack-${name}` : `veristack-${name}-${verb}`;
  button.textContent = LABELS[verb];
  keepKeys(button);
  button.setAttribute("aria-label", `${LABELS[verb]} ${name}`);
  // Not `disabled`: that would take the keyboard focus from the button that was just pressed.
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") press(verb, name);
  });
  return button;
}

function makeRow(parent, name, press) {
  const root = element("div", "veristack-row", parent);
  root.setAttribute("role", "group");
  root.setAttribute("aria-label", name);
  const row = { root };
  row.name = element("span", "veristack-name", root);
  row.state = element("span", "veristack-state", root);
  row.pid = element("span", "veristack-pid", root);
  row.counts = element("span", "veristack-counts", root);
  row.buttons = element("span", "veristack-buttons", root);
  row.verbs = Object.fromEntries(VERBS.map((v) => [v, makeButton(row, v, name, press)]));
  setText(row.name, name);
  return row;
}

function countsText(target) {
  if (target.served === null) return "";
  return `${target.served} served, ${target.failed} failed`;
}

function drawRow(row, target, closed) {
  setAttribute(row.root, "data-state", target.state);
  setText(row.state, closed ? `${STATES[target.state]} when closed` : STATES[target.state]);
  setText(row.pid, target.pid === null ? "elsewhere" : `pid ${target.pid}`);
  setText(row.counts, countsText(target));
  for (const verb of VERBS) {
    setAttribute(row.verbs[verb], "aria-disabled", String(!possible(verb, target, closed)));
  }
  setAttribute(row.verbs.kill, "aria-pressed", String(target.state === "dead"));
  setAttribute(row.verbs.pause, "aria-pressed", String(target.state === "paused"));
}

function drawLog(list, lines) {
  const kept = new Set(lines.map((line) => String(line.number)));
  for (const item of [...list.children]) {
    if (!kept.has(item.dataset.number)) item.remove();
  }
  const newest = list.lastElementChild ? Number(list.lastElementChild.dataset.number) : 0;
  const fresh = lines.filter((line) => line.number > newest);
  for (const line of fresh) {
    const item = element("li", "", list);
    item.dataset.number = String(line.number);
    item.textContent = `${line.at_s.toFixed(2).padStart(7)} s  ${line.text}`;
  }
  if (fresh.length) list.scrollTop = list.scrollHeight;
}

function render({ model, el }) {
  const root = element("div", "veristack-switch", el);
  const title = element("h4", "", root);
  const rows = new Map();
  const rowsRoot = element("div", "veristack-rows", root);
  const note = element("p", "veristack-note", root);
  note.setAttribute("role", "status");
  const log = element("ol", "veristack-log", root);
  log.setAttribute("role", "log");
  log.setAttribute("aria-label", "What happened");
  log.tabIndex = 0;
  keepKeys(log);

  let seq = -1;
  let heardAt = Date.now();
  const press = (op, target) => model.send({ op, target });

  function draw() {
    const state = model.get("state");
    if (state.seq < seq) return;
    seq = state.seq;
    heardAt = Date.now();
    setText(title, state.name);
    for (const target of state.targets) {
      if (!rows.has(target.name)) rows.set(target.name, makeRow(rowsRoot, target.name, press));
      drawRow(rows.get(target.name), target, state.closed);
    }
    drawLog(log, state.log);
    if (state.closed) setAttribute(root, "data-closed", "");
    setText(note, state.closed ? CLOSED : "");
  }

  function watch() {
    const quiet = Date.now() - heardAt;
    if (quiet > STALE_MS && !model.get("state").closed) {
      setText(note, "No news from the kernel: it was stopped or restarted. Run the cell again.");
    }
  }

  draw();
  model.on("change:state", draw);
  const timer = setInterval(watch, 1000);
  return () => {
    clearInterval(timer);
    model.off("change:state", draw);
  };
}

export default { render };
