// Draws a figure and says what is wrong with it, from the boxes and the colours of its elements.

const INSET_PX = 1.5; // of a text's box, which is higher than its letters
const TEXT_CONTRAST = 4.5;
const MARK_CONTRAST = 3;

function colour(text) {
  const found = /rgba?\(([^)]+)\)/.exec(text ?? "");
  if (!found) return null;
  const [r, g, b, a = 1] = found[1].split(",").map(Number);
  return { r, g, b, a };
}

function over(top, below, opacity = 1) {
  const a = top.a * opacity;
  const mix = (one, other) => one * a + other * (1 - a);
  return { r: mix(top.r, below.r), g: mix(top.g, below.g), b: mix(top.b, below.b), a: 1 };
}

function luminance({ r, g, b }) {
  const [x, y, z] = [r, g, b].map((c) => {
    const part = c / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}

function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((p, q) => p - q);
  return (high + 0.05) / (low + 0.05);
}

function opacityOf(node, property) {
  let opacity = Number(getComputedStyle(node)[property]);
  for (let at = node; at && at.tagName !== "svg"; at = at.parentElement) {
    opacity *= Number(getComputedStyle(at).opacity);
  }
  return opacity;
}

function paint(node, what) {
  const found = colour(getComputedStyle(node)[what]);
  return found && { ...found, a: found.a * opacityOf(node, `${what}Opacity`) };
}

// The lines of each text, as boxes: [{ text, box, node }].
function texts(plot) {
  const found = [];
  for (const node of plot.querySelectorAll("svg text")) {
    if (node.closest(".hoverlayer, .modebar, .modebar-container")) continue;
    if (!node.textContent.trim() || getComputedStyle(node).visibility === "hidden") continue;
    const lines = [...node.querySelectorAll("tspan.line")];
    for (const line of lines.length ? lines : [node]) {
      const box = line.getBoundingClientRect();
      if (line.textContent.trim() && box.width && box.height) {
        found.push({ text: line.textContent, box, node });
      }
    }
  }
  return found;
}

function overlapOf(a, b, inset) {
  const width = Math.min(a.right, b.right) - Math.max(a.left, b.left) - 2 * inset;
  const height = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) - 2 * inset;
  return width > 0 && height > 0;
}

function outside(inner, outer, slack = 1) {
  return (
    inner.left < outer.left - slack || inner.right > outer.right + slack ||
    inner.top < outer.top - slack || inner.bottom > outer.bottom + slack
  );
}

function layoutFaults(plot) {
  const faults = [];
  const canvas = plot.getBoundingClientRect();
  const { l, t, w, h } = plot._fullLayout._size;
  const area = new DOMRect(canvas.left + l, canvas.top + t, w, h);
  const all = texts(plot);
  for (const [number, one] of all.entries()) {
    if (outside(one.box, canvas)) faults.push(`"${one.text}" leaves the canvas`);
    if (one.node.closest("[clip-path]:not([clip-path=''])") && one.node.closest(".plot") &&
        outside(one.box, area, 2)) {
      faults.push(`"${one.text}" is cut at the edge of the plot`);
    }
    for (const other of all.slice(number + 1)) {
      if (one.node !== other.node && overlapOf(one.box, other.box, INSET_PX)) {
        faults.push(`"${one.text}" lies over "${other.text}"`);
      }
    }
  }
  if (h < 80 || w < 120) faults.push(`the plot has ${Math.round(w)} x ${Math.round(h)} px`);
  for (const key of plot.querySelectorAll(".legend > .bg, .colorbar .cbbg")) {
    if (overlapOf(key.getBoundingClientRect(), area, 0)) faults.push("a legend lies over the plot");
  }
  const bar = plot.querySelector(".legend .scrollbar");
  if (bar && Number(bar.getAttribute("height")) > 0) faults.push("the legend is cut");
  return faults;
}

// Filled areas in the order in which they are painted: what a text may stand on.
function areas(plot) {
  const nodes = plot.querySelectorAll(".shapelayer path, .barlayer .point > path");
  return [...nodes].map((node) => ({ box: node.getBoundingClientRect(), fill: paint(node, "fill") }));
}

function heatmapFill(plot, node) {
  const group = node.closest(".heatmap-label");
  const { z } = node.__data__ ?? {};
  if (!group || z === undefined) return null;
  const trace = plot._fullData.find((one) => one.type === "heatmap");
  const place = (z - trace.zmin) / (trace.zmax - trace.zmin);
  const stop = trace.colorscale.findLast(([edge]) => edge <= place) ?? trace.colorscale[0];
  const [r, g, b] = stop[1].match(/[0-9a-f]{2}/gi).map((digits) => parseInt(digits, 16));
  return { r, g, b, a: 1 };
}

function contrastFaults(plot, page) {
  const faults = [];
  const below = areas(plot);
  for (const { text, box, node } of texts(plot)) {
    const [x, y] = [box.left + box.width / 2, box.top + box.height / 2];
    let ground = page;
    for (const { box: area, fill } of below) {
      const isOn = x > area.left && x < area.right && y > area.top && y < area.bottom;
      if (isOn && fill) ground = over(fill, ground);
    }
    ground = heatmapFill(plot, node) ?? ground;
    const ink = paint(node, "fill");
    const found = contrast(over(ink, ground), ground);
    if (found < TEXT_CONTRAST) faults.push(`"${text}" has a contrast of ${found.toFixed(1)}`);
  }
  const marks = ".scatterlayer .js-line, .scatterlayer .points path, .barlayer .point > path, " +
    ".legend .layers path";
  for (const node of plot.querySelectorAll(marks)) {
    const paints = [paint(node, "fill"), paint(node, "stroke")].filter((one) => one && one.a);
    const best = Math.max(0, ...paints.map((one) => contrast(over(one, page), page)));
    if (paints.length && best < MARK_CONTRAST) {
      faults.push(`a ${node.getAttribute("class")} has a contrast of ${best.toFixed(1)}`);
    }
  }
  return faults;
}

async function examine(figure, widths, pages) {
  const faults = [];
  let seen = 0;
  let lines = 0;
  const host = document.getElementById("host");
  for (const width of widths) {
    host.style.width = `${width}px`;
    const plot = document.createElement("div");
    host.replaceChildren(plot);
    await Plotly.newPlot(plot, structuredClone(figure.data), structuredClone(figure.layout), {
      displaylogo: false,
    });
    lines += texts(plot).length;
    faults.push(...layoutFaults(plot).map((fault) => `${width} px: ${fault}`));
    for (const [name, page] of Object.entries(pages)) {
      document.body.style.background = page;
      document.body.dataset.jpThemeLight = String(name !== "dark"); // as JupyterLab says it
      const ground = colour(getComputedStyle(document.body).backgroundColor);
      faults.push(...contrastFaults(plot, ground).map((fault) => `${name} at ${width} px: ${fault}`));
      seen += 1;
    }
    Plotly.purge(plot);
  }
  return { faults: [...new Set(faults)], seen, lines };
}
