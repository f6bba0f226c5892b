import { escapeXml } from './render-chart.js';

/** Markup that is safe as it is; every other value put into `html` is escaped. */
export class Markup {
  constructor(readonly text: string) {}
}

type Part = string | number | Markup | undefined | readonly Markup[];

/** Tagged template for HTML: values are escaped unless they are Markup; undefined is left out. */
export function html(strings: TemplateStringsArray, ...values: Part[]): Markup {
  const rendered = values.map((value) => {
    if (value === undefined) return '';
    if (value instanceof Markup) return value.text;
    if (typeof value === 'object') return value.map((part) => part.text).join('');
    return escapeXml(String(value));
  });
  return new Markup(strings.reduce((all, text, i) => all + rendered[i - 1] + text));
}
