/**
 * Colours are CSS variables, so that one drawing serves light, dark and print. The hues are Okabe and Ito's set for
 * colour-blind readers plus three of Paul Tol's, lightened or darkened until each keeps 3:1 against its background;
 * no figure depends on them alone: classes are also written into the map.
 */
const CLASS_LIGHT = [
  '#0072b2',
  '#b87500',
  '#008f68',
  '#c4629a',
  '#2f8fc9',
  '#d55e00',
  '#8a8000',
  '#882255',
  '#5b6470',
  '#4b3db0',
];
const CLASS_DARK = [
  '#4da3db',
  '#e69f00',
  '#1fbf92',
  '#e39cc4',
  '#8cd0f5',
  '#f07f35',
  '#f0e442',
  '#c95f92',
  '#c3c9d1',
  '#9a8df0',
];

export interface Theme {
  readonly [variable: string]: string;
}

const classColours = (colours: readonly string[]): Theme =>
  Object.fromEntries(colours.map((colour, i) => [`k${i}`, colour]));

export const LIGHT: Theme = {
  page: '#ffffff',
  panel: '#f6f7f9',
  line: '#d8dce2',
  ink: '#1b1f26',
  soft: '#59616d',
  faint: '#aab2bd',
  accent: '#0067a3',
  'on-class': '#ffffff',
  good: '#00704f',
  bad: '#b34700',
  ...classColours(CLASS_LIGHT),
};

export const DARK: Theme = {
  page: '#12151a',
  panel: '#1b2027',
  line: '#343b46',
  ink: '#eef1f5',
  soft: '#a9b2bf',
  faint: '#5d6774',
  accent: '#66b8ec',
  'on-class': '#12151a',
  good: '#35cfa2',
  bad: '#ff9a5c',
  ...classColours(CLASS_DARK),
};

/** The colour of a class, as a CSS variable; classes past the tenth begin again. */
export const classColour = (index: number): string => `var(--k${index % CLASS_LIGHT.length})`;

/** The theme as CSS declarations. */
export const declarations = (theme: Theme): string =>
  Object.entries(theme)
    .map(([name, value]) => `--${name}:${value}`)
    .join(';');

/** The drawing with the variables replaced by the theme's colours, for a file that stands alone. */
export const inTheme = (svg: string, theme: Theme): string =>
  svg.replace(/var\(--([\w-]+)\)/g, (whole, name: string) => theme[name] ?? whole);
