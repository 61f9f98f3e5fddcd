// A page of a log: bytes to point at, to move among with the arrow keys, and to flip.

const PER_ROW = 16;
const ROWS = 32;
const WHERE = { 0: "segment header", "-1": "no record" };

function hex(number, digits) {
  return number.toString(16).padStart(digits, "0");
}

function printable(byte) {
  return byte >= 32 && byte < 127 ? String.fromCharCode(byte) : "·";
}

function ownerOf(field) {
  return WHERE[field.lsn] ?? `record ${field.lsn}`;
}

function makeGrid(parent, id) {
  const grid = element("div", "veristack-hex", parent);
  grid.id = `${id}-bytes`;
  grid.setAttribute("role", "grid");
  grid.setAttribute("aria-label", "Bytes of the segment");
  const rows = [];
  for (let number = 0; number < ROWS; number += 1) {
    const root = element("div", "veristack-hex-row", grid);
    root.setAttribute("role", "row");
    const offset = element("span", "veristack-hex-offset", root);
    offset.setAttribute("role", "rowheader");
    const cells = Array.from({ length: PER_ROW }, () => {
      const cell = keepKeys(element("span", "veristack-byte", root));
      cell.setAttribute("role", "gridcell");
      cell.tabIndex = -1;
      return cell;
    });
    rows.push({ root, offset, cells, text: element("span", "veristack-text", root) });
    rows[number].text.setAttribute("aria-hidden", "true");
  }
  return { grid, rows, cells: rows.flatMap((row) => row.cells) };
}

// For each byte of the page its field, found once a drawing.
function fieldOfEach(state) {
  const { start, hex: digits } = state.page;
  const found = new Array(digits.length / 2).fill(null);
  for (const field of state.fields) {
    const first = Math.max(0, field.offset - start);
    const end = Math.min(found.length, field.offset + field.size - start);
    found.fill(field, first, end);
  }
  return found;
}

function drawCell(cell, id, offset, byte, field, status, isFlipped) {
  cell.classList.toggle("veristack-none", byte === null);
  if (byte === null) {
    cell.removeAttribute("id");
    setText(cell, "  ");
    return;
  }
  setAttribute(cell, "id", `${id}-byte-${offset}`);
  setText(cell, hex(byte, 2));
  setAttribute(cell, "data-field", field ? field.field : "");
  setAttribute(cell, "data-status", status);
  setFlag(cell, "data-flipped", isFlipped);
  const name = field ? `${field.field}, ${ownerOf(field)}` : "nothing";
  setAttribute(cell, "aria-label", `byte ${offset}, ${hex(byte, 2)}: ${name}`);
}

function makeRecord(parent) {
  const row = keepKeys(element("button", "veristack-record", parent));
  row.type = "button";
  row.setAttribute("role", "option");
}

function drawRecord(row, record, id, selected) {
  setAttribute(row, "id", `${id}-record-${record.lsn}`);
  row.dataset.lsn = String(record.lsn);
  setAttribute(row, "data-status", record.status);
  setAttribute(row, "aria-selected", String(record.lsn === selected));
  setAttribute(row, "title", record.words);
  const mark = { whole: "", dead: "✕ ", behind: "⇥ ", cut: "✂ " }[record.status];
  const group = record.group_start ? "┌ " : "│ ";
  setText(row, `${group}${mark}${record.lsn} ${record.type} ${record.story}`);
}

function drawMode(row, mode, id) {
  setAttribute(row, "id", `${id}-mode-${mode.mode}`);
  setAttribute(row, "data-opens", String(mode.opens));
  const found = mode.opens ? `${mode.keys} keys, up to LSN ${mode.last_lsn}` : "refuses";
  fit(row, [mode.mode, found, mode.words], (r) => element("td", "", r), setText);
}

function flipsText(flips) {
  return flips
    .map((f) => {
      const where = f.lsn > 0 ? `${f.field} of record ${f.lsn}` : f.field;
      return `byte ${f.offset}: ${hex(f.was, 2)} → ${hex(f.now, 2)} (${where})`;
    })
    .join("; ");
}

function render({ model, el }) {
  const id = `veristack-${model.get("state").name}`;
  const root = element("div", "veristack-view veristack-wal", el);
  root.id = id;
  const title = element("h4", "", root);
  const bar = element("div", "veristack-bar", root);
  const body = element("div", "veristack-wal-body", root);
  const { grid, rows, cells } = makeGrid(body, id);
  const side = element("div", "", body);
  const recordsTitle = element("h5", "", side);
  const list = element("div", "veristack-records", side);
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Records");
  const explain = element("div", "veristack-explain", root);
  explain.id = `${id}-explain`;
  explain.setAttribute("role", "status");
  const explainTitle = element("b", "", explain);
  const explainText = element("span", "", explain);
  const flipped = element("p", "veristack-flips", root);
  flipped.id = `${id}-flips`;
  const modesTitle = element("h5", "", root);
  setText(modesTitle, "What opening the store would return, in each mode");
  const modes = element("tbody", "", element("table", "veristack-table", root));
  const note = element("p", "veristack-note", root);
  note.setAttribute("role", "status");

  let fields = [];
  let pinned = 0; // offset of the byte that has, or last had, the focus
  let wanted = null; // offset to focus once its page is there
  const view = connect(model, note, draw);
  const state = () => model.get("state");
  const page = () => state().page;

  const segment = makeSelect(bar, `${id}-segment`, "Segment", (name) => view.send("segment", name));
  const turn = (step) => view.send("page", Math.max(0, page().number + step));
  const previous = makeButton(bar, `${id}-previous`, "◀ Page", () => turn(-1));
  const pageText = element("span", "veristack-page", bar);
  const next = makeButton(bar, `${id}-next`, "Page ▶", () => turn(1));
  const bit = makeSelect(bar, `${id}-bit`, "Bit", () => {});
  setOptions(bit, [..."01234567"].map((b) => [b, b]), "0");
  const flip = (offset) => view.send("flip", [offset, Number(bit.value)]);
  makeButton(bar, `${id}-flip`, "Flip", () => flip(pinned));
  const restore = makeButton(bar, `${id}-restore`, "Restore", () => view.send("restore"));
  makeButton(bar, `${id}-reload`, "Reload", () => view.send("reload"));

  function fieldAt(offset) {
    return fields[offset - page().start] ?? null;
  }

  function explainByte(offset) {
    const field = fieldAt(offset);
    for (const [number, cell] of cells.entries()) {
      setFlag(cell, "data-same", field !== null && fields[number] === field);
    }
    if (!field) return;
    const where = `bytes ${field.offset} to ${field.offset + field.size - 1}`;
    setText(explainTitle, `${field.field} = ${field.value} (${ownerOf(field)}, ${where})`);
    setText(explainText, state().legend[field.field]);
  }

  function focusByte(offset) {
    const { start, hex: digits } = page();
    const here = offset - start;
    if (offset < 0 || offset >= state().segment.shown_bytes) return;
    if (here < 0 || here >= digits.length / 2) {
      wanted = offset;
      view.send("goto", offset);
      return;
    }
    pinned = offset;
    for (const [number, cell] of cells.entries()) cell.tabIndex = number === here ? 0 : -1;
    cells[here].focus();
  }

  function draw(current) {
    const { start, hex: digits, number, count } = current.page;
    const room = current.segment.reserved_bytes;
    fields = fieldOfEach(current);
    const status = new Map(current.records.rows.map((r) => [r.lsn, r.status]));
    const flips = new Set(current.flips.map((f) => f.offset));
    const bytes = Array.from({ length: digits.length / 2 }, (_, n) =>
      parseInt(digits.slice(2 * n, 2 * n + 2), 16)
    );
    setText(
      title,
      `${current.segment.name}: ${current.segment.size_bytes.toLocaleString()} bytes, ` +
        `${current.segment.records.toLocaleString()} whole records` +
        (room ? `, ${room.toLocaleString()} bytes of room at the end` : "")
    );
    setText(pageText, `${number + 1} of ${count}`);
    for (const [rowNumber, row] of rows.entries()) {
      const first = rowNumber * PER_ROW;
      row.root.hidden = first >= bytes.length;
      setText(row.offset, hex(start + first, 8));
      for (const [n, cell] of row.cells.entries()) {
        const at = first + n;
        const byte = at < bytes.length ? bytes[at] : null;
        const field = fields[at] ?? null;
        const fate = field ? (status.get(field.lsn) ?? "") : "";
        drawCell(cell, id, start + at, byte, field, fate, flips.has(start + at));
      }
      setText(row.text, bytes.slice(first, first + PER_ROW).map(printable).join(""));
    }
    setText(recordsTitle, `Records (${current.records.rows.length} of ${current.records.total})`);
    fit(list, current.records.rows, makeRecord, (row, record) =>
      drawRecord(row, record, id, current.selected)
    );
    const chosen = list.querySelector('[aria-selected="true"]') ?? list.firstElementChild;
    for (const row of list.children) row.tabIndex = row === chosen ? 0 : -1;
    setOptions(segment, current.segments.map((name) => [name, name]), current.segment.name);
    setText(flipped, current.flips.length ? `Flipped in this view only: ${flipsText(current.flips)}` : "");
    modesTitle.hidden = !current.modes.length;
    fit(modes, current.modes, (t) => element("tr", "veristack-mode", t), (row, mode) =>
      drawMode(row, mode, id)
    );
    setEnabled(previous, number > 0);
    setEnabled(next, number + 1 < count);
    setEnabled(restore, current.flips.length > 0);
    if (pinned < start || pinned >= start + bytes.length) pinned = start;
    for (const [n, cell] of cells.entries()) cell.tabIndex = start + n === pinned ? 0 : -1;
    explainByte(pinned);
    if (wanted !== null && fieldAt(wanted) !== null) {
      const offset = wanted;
      wanted = null;
      focusByte(offset);
    }
  }

  const offsetOf = (cell) => page().start + cells.indexOf(cell);
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -PER_ROW, ArrowDown: PER_ROW };
  grid.addEventListener("mouseover", (event) => {
    const cell = event.target.closest(".veristack-byte");
    if (cell) explainByte(offsetOf(cell));
  });
  grid.addEventListener("mouseleave", () => explainByte(pinned));
  grid.addEventListener("focusin", (event) => {
    pinned = offsetOf(event.target);
    explainByte(pinned);
  });
  grid.addEventListener("click", (event) => {
    const cell = event.target.closest(".veristack-byte");
    if (cell) focusByte(offsetOf(cell));
  });
  grid.addEventListener("keydown", (event) => {
    const row = pinned - (pinned % PER_ROW);
    if (event.key in STEPS) focusByte(pinned + STEPS[event.key]);
    else if (event.key === "Home") focusByte(row);
    else if (event.key === "End") focusByte(Math.min(row + PER_ROW, state().segment.shown_bytes) - 1);
    else if (event.key === "PageDown") focusByte(pinned + ROWS * PER_ROW);
    else if (event.key === "PageUp") focusByte(Math.max(0, pinned - ROWS * PER_ROW));
    else if (event.key === "Enter" || event.key === "f") flip(pinned);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const choose = (row) => row && view.send("record", Number(row.dataset.lsn));
  list.addEventListener("click", (event) => choose(event.target.closest(".veristack-record")));
  list.addEventListener("keydown", (event) => {
    const step = { ArrowUp: "previousElementSibling", ArrowDown: "nextElementSibling" }[event.key];
    if (!step) return;
    const sibling = event.target[step];
    if (sibling) sibling.focus();
    event.preventDefault();
    event.stopPropagation();
  });

  view.redraw();
  return view.disconnect;
}

export default { render };
