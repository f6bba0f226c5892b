/** Dots a CSS pixel. */
const ZOOM = 2;
const PROBE = '<svg xmlns="http://www.w3.org/2000/svg" width="40" height="20"><text y="15">x</text></svg>';

/** Turns SVG into PNG, or says why it can't here. */
export type PngMaker = { readonly render: (svg: string) => Uint8Array } | { readonly why: string };

/** PNG by resvg, which brings its own binary and takes the machine's fonts: without one, figures would lose their words. */
export async function pngMaker(): Promise<PngMaker> {
  try {
    const { Resvg } = await import('@resvg/resvg-js');
    const font = { loadSystemFonts: true, defaultFontFamily: 'DejaVu Sans', sansSerifFamily: 'DejaVu Sans' };
    if (!new Resvg(PROBE, { font }).getBBox())
      return { why: 'this machine has no font that PNG figures could use (Debian: fonts-dejavu-core)' };
    return {
      render: (svg) => new Resvg(svg, { font, fitTo: { mode: 'zoom', value: ZOOM } }).render().asPng(),
    };
  } catch (error) {
    return {
      why: `the PNG renderer @resvg/resvg-js can't be loaded: ${(error as Error).message.split('\n')[0]}`,
    };
  }
}
