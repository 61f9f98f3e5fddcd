// A workload's writes and syncs on a slider, and what a power cut at each of them may leave.

const SEND_MS = 50;
const STATES = {
  D: "durable",
  C: "cached",
  K: "kept",
  L: "lost",
  T: "torn",
  Z: "zeros",
  G: "garbage",
  S: "stale",
  O: "other",
};
const MARKS = { L: "✕", T: "½", Z: "0", G: "?", S: "§", O: "<" };
const SECTOR_BYTES = 512;
const FATES = {
  kept: "as acknowledged",
  missing: "acknowledged, and missing",
  other: "acknowledged otherwise",
  extra: "of the step under way",
};

const NAME_MARKS = {
  durable: "",
  made: "; name not synced",
  removed: "; removal not synced",
  replaced: "; rename not synced",
  kept: "; name kept",
  lost: "; name undone",
};

function nameMark(file) {
  if (file.name_state === "kept" && file.size === null) return "; removal kept";
  return NAME_MARKS[file.name_state];
}

function size(bytes) {
  return bytes === null ? "absent" : `${bytes.toLocaleString()} bytes`;
}

function makeFile(parent) {
  const root = element("div", "veristack-file", parent);
  element("span", "veristack-file-name", root);
  element("div", "veristack-sectors", root);
}

function makeSector(parent) {
  keepKeys(element("span", "veristack-sector", parent)).setAttribute("role", "img");
}

function drawFile(root, file, id) {
  const [name, sectors] = root.children;
  root.id = `${id}-file-${file.name.replace("/", "")}`;
  root.dataset.label = file.name;
  setAttribute(root, "data-name", file.name_state);
  setFlag(root, "data-absent", file.size === null);
  setText(name, `${file.name} (${size(file.size)}${nameMark(file)})`);
  setAttribute(name, "title", file.name_words);
  fit(sectors, [...file.sectors], makeSector, (cell, code, n) => {
    setAttribute(cell, "data-state", STATES[code]);
    setAttribute(cell, "aria-label", `sector ${n}: ${STATES[code]}`);
    cell.dataset.number = String(n);
    cell.tabIndex = n === 0 ? 0 : -1; // the arrow keys reach the others
    setText(cell, MARKS[code] ?? "");
  });
  setAttribute(sectors, "data-more", file.more ? `+${file.more}` : "");
}

function drawItem(row, item) {
  setAttribute(row, "data-fate", item.fate);
  fit(row, [item.name, item.value, FATES[item.fate]], (r) => element("td", "", r), setText);
}

function drawPromise(row, promise, id) {
  row.id = `${id}-promise-${promise.name}`;
  const kept = promise.kept === null ? "" : String(promise.kept);
  setAttribute(row, "data-kept", kept);
  const mark = { true: "✓", false: "✕", "": "·" }[kept];
  const text = promise.broken ? `${promise.words}: ${promise.broken}` : promise.words;
  fit(row, [mark, text], (r) => element("span", "", r), setText);
}

function makeLegend(parent, legend) {
  const root = element("div", "veristack-legend", parent);
  for (const [state, words] of Object.entries(legend)) {
    const entry = element("span", "", root);
    entry.title = words;
    const sample = element("span", "veristack-sector", entry);
    sample.dataset.state = state;
    sample.textContent = MARKS[Object.keys(STATES).find((code) => STATES[code] === state)] ?? "";
    element("span", "", entry).textContent = state;
  }
}

function render({ model, el }) {
  const id = `veristack-${model.get("state").name}`;
  const root = element("div", "veristack-view veristack-crash", el);
  root.id = id;
  const title = element("h4", "", root);
  const top = element("div", "veristack-bar", root);
  const slider = keepKeys(element("input", "veristack-crash-slider", root));
  slider.type = "range";
  slider.id = `${id}-position`;
  slider.min = "0";
  slider.step = "1";
  slider.setAttribute("aria-label", "Operations of the disk before the power fails");
  const strip = element("div", "veristack-strip", root);
  strip.id = `${id}-strip`;
  strip.setAttribute("aria-hidden", "true");
  const moment = element("p", "veristack-moment", root);
  moment.id = `${id}-moment`;
  moment.setAttribute("role", "status");
  const done = element("b", "", moment);
  const step = element("span", "", moment);
  const cutBar = element("div", "veristack-bar veristack-crash-images", root);
  const body = element("div", "veristack-crash-body", root);
  const left = element("div", "", body);
  const filesTitle = element("h5", "", left);
  const files = element("div", "", left);
  files.id = `${id}-files`;
  makeLegend(left, model.get("state").legend);
  const words = element("p", "veristack-sector-words", left);
  words.id = `${id}-words`;
  words.setAttribute("role", "status");
  const right = element("div", "", body);
  element("h5", "", right).textContent = "Promises";
  const promises = element("div", "", right);
  const found = element("h5", "", right);
  found.id = `${id}-found`;
  const items = element("div", "veristack-items", right);
  const rows = element("tbody", "", element("table", "veristack-table", items));
  const note = element("p", "veristack-note", root);
  note.id = `${id}-note`;
  note.setAttribute("role", "status");

  const view = connect(model, note, draw);
  let wanted = null; // where the slider was put, until the kernel is there too
  let timer = null;
  const moveTo = (position) => {
    wanted = position;
    if (timer !== null) return;
    timer = setTimeout(() => {
      timer = null;
      view.send("move", wanted);
    }, SEND_MS);
  };
  const stepBy = (by) => {
    const { position, last } = model.get("state");
    const next = Math.min(last, Math.max(0, (wanted ?? position) + by));
    slider.value = String(next);
    moveTo(next);
  };
  slider.addEventListener("input", () => moveTo(Number(slider.value)));
  const engine = makeSelect(top, `${id}-engine`, "Engine", (name) => view.send("engine", name));
  makeButton(top, `${id}-back`, "◀", () => stepBy(-1)).setAttribute("aria-label", "One back");
  makeButton(top, `${id}-forward`, "▶", () => stepBy(1)).setAttribute("aria-label", "One on");
  const hunt = (way) => view.send("violation", way);
  makeButton(top, `${id}-previous-violation`, "◀ Violation", () => hunt("previous"));
  makeButton(top, `${id}-next-violation`, "Violation ▶", () => hunt("next"));
  const image = makeSelect(cutBar, `${id}-image`, "Power", (n) => view.send("image", Number(n)));
  makeButton(cutBar, `${id}-judge`, "Open all of these", () => view.send("judge"));
  const images = element("span", "", cutBar);

  function tell(cell) {
    const { legend } = model.get("state");
    const number = Number(cell.dataset.number);
    const { label } = cell.closest(".veristack-file").dataset;
    const first = number * SECTOR_BYTES;
    const where = `Sector ${number} of ${label} (bytes ${first} to ${first + SECTOR_BYTES - 1})`;
    setText(words, `${where} is ${cell.dataset.state}: ${legend[cell.dataset.state]}.`);
  }
  files.addEventListener("mouseover", (event) => {
    const cell = event.target.closest(".veristack-sector");
    const name = event.target.closest(".veristack-file-name");
    if (cell) tell(cell);
    else if (name) setText(words, `${name.textContent}: ${name.title}.`);
  });

  files.addEventListener("focusin", (event) => {
    if (event.target.matches(".veristack-sector")) tell(event.target);
  });
  files.addEventListener("keydown", (event) => {
    const way = { ArrowLeft: "previousElementSibling", ArrowRight: "nextElementSibling" };
    const next = event.target[way[event.key]];
    if (!next) return;
    next.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  function draw(state) {
    setText(title, `${state.workload}: ${state.last} writes and syncs of the disk`);
    setOptions(engine, state.engines.map((e) => [e.name, e.title]), state.engine);
    slider.max = String(state.last);
    if (wanted === null || wanted === state.position) {
      wanted = null;
      slider.value = String(state.position);
    }
    setAttribute(slider, "aria-valuetext", `${state.position}: ${state.operation}`);
    fit(strip, [...state.strip], (p) => element("i", "", p), (cell, verdict) =>
      setAttribute(cell, "data-verdict", verdict)
    );
    setText(done, `${state.position} of ${state.last}. ${state.operation}`);
    setText(step, ` — ${state.step}`);
    setOptions(image, state.images.map((i) => [String(i.index), i.words]), String(state.image));
    setText(images, state.images_words);
    setText(filesTitle, state.image < 0 ? "The disk, power on" : "What the power cut left");
    fit(files, state.files, makeFile, (node, file) => drawFile(node, file, id));
    fit(promises, state.promises, (p) => element("div", "veristack-promise", p), (row, promise) =>
      drawPromise(row, promise, id)
    );
    setText(found, state.found);
    fit(rows, state.items, (t) => element("tr", "veristack-item", t), drawItem);
  }

  view.redraw();
  return () => {
    clearTimeout(timer);
    view.disconnect();
  };
}

export default { render };
