// A figure as SVG, without raster images: plotly paints heatmaps into a PNG inside the drawing.

async function paint(figure, width) {
  const height = figure.layout.height ?? 450;
  const size = { format: "svg", width, height };
  const url = await Plotly.toImage({ data: figure.data, layout: figure.layout }, size);
  const text = decodeURIComponent(url.slice(url.indexOf(",") + 1));
  const drawing = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  for (const image of drawing.querySelectorAll("image")) image.replaceWith(await traced(image));
  return new XMLSerializer().serializeToString(drawing);
}

// The areas of one colour in an image, as one path for each colour.
async function traced(image) {
  const raster = new Image();
  raster.src = image.getAttribute("href") ?? image.getAttribute("xlink:href");
  await raster.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [raster.naturalWidth, raster.naturalHeight];
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(raster, 0, 0);
  const group = document.createElementNS("http://www.w3.org/2000/svg", "g");
  const number = (name) => Number(image.getAttribute(name));
  const scale = [number("width") / canvas.width, number("height") / canvas.height];
  const moved = `translate(${number("x")},${number("y")})`;
  group.setAttribute("transform", `${moved} scale(${scale.join(",")})`);
  for (const [colour, boxes] of boxesOf(context.getImageData(0, 0, canvas.width, canvas.height))) {
    const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    const lines = boxes.map(([x, y, w, h]) => `M${x},${y}h${w}v${h}h-${w}z`);
    path.setAttribute("d", lines.join(""));
    path.setAttribute("style", `fill: ${colour};`);
    group.append(path);
  }
  return group;
}

function boxesOf({ data, width, height }) {
  const pixels = new Uint32Array(data.buffer);
  const found = new Map();
  let open = new Map(); // boxes that reach the row above, by their left and right edge and colour
  for (let y = 0; y < height; y += 1) {
    const next = new Map();
    for (let x = 0; x < width; ) {
      const pixel = pixels[y * width + x];
      const from = x;
      while (x < width && pixels[y * width + x] === pixel) x += 1;
      if (pixel >>> 24 === 0) continue; // nothing is painted here
      const key = `${from} ${x} ${pixel}`;
      const box = open.get(key) ?? [from, y, x - from, 0];
      if (box[3] === 0) {
        const [r, g, b] = [pixel & 255, (pixel >>> 8) & 255, (pixel >>> 16) & 255];
        const colour = `rgb(${r}, ${g}, ${b})`;
        if (!found.has(colour)) found.set(colour, []);
        found.get(colour).push(box);
      }
      box[3] += 1;
      next.set(key, box);
    }
    open = next;
  }
  return found;
}
