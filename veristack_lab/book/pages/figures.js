// Draws the figures of a page when they come into view. plotly is loaded once, if there is a figure.
(() => {
  const here = document.currentScript.src;

  const draw = (place) => {
    const { data, layout } = JSON.parse(place.querySelector("script").textContent);
    const size = { ...layout, autosize: true, width: undefined };
    window.Plotly.newPlot(place, data, size, { responsive: true, displaylogo: false });
  };

  const watch = (places) => {
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) {
          seen.unobserve(entry.target);
          draw(entry.target);
        }
      }
    }, { rootMargin: "300px" });
    places.forEach((place) => seen.observe(place));
  };

  document.addEventListener("DOMContentLoaded", () => {
    const places = document.querySelectorAll(".lab-figure");
    if (places.length === 0) {
      return;
    }
    const script = document.createElement("script");
    script.src = new URL("plotly.min.js", here).href;
    script.onload = () => watch(places);
    document.head.append(script);
  });
})();
