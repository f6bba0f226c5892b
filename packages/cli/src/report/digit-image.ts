/**
 * A small grey image as SVG squares, dark ink on the page's ground in light mode and light ink in dark mode: crisp at
 * any zoom, unlike a scaled bitmap.
 *
 * @param pixels width × height values, 0 (blank) … 1 (full ink), row by row
 */
export function digitImage(pixels: ArrayLike<number>, width: number, height: number): string {
  let squares = '';
  for (let i = 0; i < width * height; i++) {
    const ink = Math.round(pixels[i] * 100) / 100;
    if (ink > 0) squares += `<path d="M${i % width} ${Math.floor(i / width)}h1v1h-1z" opacity="${ink}"/>`;
  }
  return `<svg viewBox="0 0 ${width} ${height}" fill="currentColor" shape-rendering="crispEdges" aria-hidden="true">${squares}</svg>`;
}
