// What every view that obeys commands shares. Each view's own script follows this one.
//
// Every element is made once and then changed in place: a redraw that replaced elements would
// lose the focus, and every click whose press and release fall on both sides of it.

const PATIENCE_MS = 5000;
const CLOSED =
  "Closed. This is what was seen last. To use it again, run the notebook from the top.";

function element(tag, className, parent) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  parent.append(node);
  return node;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

function setFlag(node, name, isSet) {
  if (isSet) setAttribute(node, name, "");
  else node.removeAttribute(name);
}

// With the focus on an output JupyterLab obeys the keys of its command mode: x cuts the cell.
// It looks for this mark on the focused element itself and not above it.
function keepKeys(node) {
  node.setAttribute("data-lm-suppress-shortcuts", "true");
  return node;
}

function makeButton(parent, id, label, press) {
  const button = keepKeys(element("button", "veristack-button", parent));
  button.type = "button";
  button.id = id;
  button.textContent = label;
  // Not `disabled`: that would take the keyboard focus from the button that was just pressed.
  button.addEventListener("click", () => {
    if (button.getAttribute("aria-disabled") !== "true") press();
  });
  return button;
}

function setEnabled(button, isEnabled) {
  setAttribute(button, "aria-disabled", String(!isEnabled));
}

function makeSelect(parent, id, label, change) {
  const wrap = element("label", "veristack-select", parent);
  element("span", "", wrap).textContent = label;
  const select = keepKeys(element("select", "", wrap));
  select.id = id;
  select.addEventListener("change", () => change(select.value));
  return select;
}

// `options` is a list of [value, text]. Options are replaced only when they differ.
function setOptions(select, options, chosen) {
  const wanted = JSON.stringify(options);
  if (select.dataset.options !== wanted) {
    select.dataset.options = wanted;
    select.replaceChildren(
      ...options.map(([value, text]) => {
        const option = document.createElement("option");
        option.value = value;
        option.textContent = text;
        return option;
      })
    );
  }
  if (select.value !== chosen) select.value = chosen;
}

// As many children as there are items: missing ones are made, spare ones removed, the rest kept.
function fit(parent, items, make, draw) {
  while (parent.children.length > items.length) parent.lastElementChild.remove();
  while (parent.children.length < items.length) make(parent);
  items.forEach((item, number) => draw(parent.children[number], item, number));
}

// What can no longer be obeyed can no longer be pressed; what is shown stays to be read.
function close(root) {
  setFlag(root, "data-closed", true);
  for (const button of root.querySelectorAll(".veristack-button")) setEnabled(button, false);
  for (const input of root.querySelectorAll("select, input")) input.disabled = true;
}

// Sends commands, draws states in order, and says when the kernel does not answer.
function connect(model, note, draw) {
  let seq = -1;
  let askedAt = null;
  const send = (op, argument = null) => {
    if (model.get("state").closed) return;
    if (askedAt === null) askedAt = Date.now();
    model.send({ op, argument });
  };
  const redraw = () => {
    const state = model.get("state");
    if (state.seq < seq) return;
    if (state.seq > seq) askedAt = null;
    seq = state.seq;
    const said = state.note || state.busy || "";
    setText(note, state.closed ? CLOSED : said);
    draw(state);
    if (state.closed) close(note.closest(".veristack-view"));
  };
  const watch = () => {
    if (askedAt !== null && Date.now() - askedAt > PATIENCE_MS) {
      setText(note, "The kernel has not answered yet. If it was restarted, run the cell again.");
    }
  };
  const timer = setInterval(watch, 1000);
  model.on("change:state", redraw);
  const disconnect = () => {
    clearInterval(timer);
    model.off("change:state", redraw);
  };
  return { send, redraw, disconnect };
}
