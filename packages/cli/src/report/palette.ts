/**
 * Colours are CSS variables, so that one drawing serves light, dark and print. The hues began as Okabe and Ito's set plus
 * three of Paul Tol's; they were moved, mostly in lightness, until every two differ by more than 15 (CIE76) to readers
 * with and without colour blindness, by Machado's simulation (2009, severity 1), and each keeps 3:1 against its
 * background. No figure depends on them alone: classes are also written into the map.
 */
const CLASS_LIGHT = [
  '#1b5c92',
  '#cb7715',
  '#0c8e66',
  '#c76ba1',
  '#7584ca',
  '#a23201',
  '#8f8d46',
  '#681532',
  '#53575f',
  '#032697',
];
const CLASS_DARK = [
  '#4e99cd',
  '#eda92f',
  '#3bca92',
  '#c980a3',
  '#96cff5',
  '#da7531',
  '#f8eb4a',
  '#c648a5',
  '#cbd2d9',
  '#9894ff',
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
  'on-faint': '#1b1f26',
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
  'on-faint': '#ffffff',
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
