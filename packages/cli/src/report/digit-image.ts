/** Shades told apart. */
const SHADES = 16;

/**
 * A small grey image as SVG squares, dark ink on the page's ground in light mode and light ink in dark mode: crisp at
 * any zoom, unlike a scaled bitmap. One path a shade.
 *
 * @param pixels width × height values, 0 (blank) … 1 (full ink), row by row; values beyond are cut off
 */
export function digitImage(pixels: ArrayLike<number>, width: number, height: number): string {
  const shadeAt = (i: number) => Math.round(SHADES * Math.min(Math.max(pixels[i], 0), 1));
  const paths = new Map<number, string>();
  for (let y = 0; y < height; y++) {
    for (let x = 0, run = 1; x < width; x += run) {
      const shade = shadeAt(y * width + x);
      for (run = 1; x + run < width && shadeAt(y * width + x + run) === shade; ) run++;
      if (shade > 0) paths.set(shade, `${paths.get(shade) ?? ''}M${x} ${y}h${run}v1h-${run}z`);
    }
  }
  const squares = [...paths].map(([shade, d]) => {
    const ink = Math.round((100 * shade) / SHADES) / 100;
    return `<path d="${d}"${ink < 1 ? ` opacity="${ink}"` : ''}/>`;
  });
  return `<svg viewBox="0 0 ${width} ${height}" fill="currentColor" shape-rendering="crispEdges" aria-hidden="true">${squares.join('')}</svg>`;
}
