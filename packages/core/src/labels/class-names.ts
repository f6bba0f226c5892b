const INTEGER = /^(?:0|-?[1-9]\d*)$/;

/** The distinct labels in order: numerically if all are integers (of any length), else by code unit. */
export function distinctLabels(labels: Iterable<string>): string[] {
  const distinct = [...new Set(labels)];
  return distinct.sort(distinct.every((text) => INTEGER.test(text)) ? byInteger : byText);
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** BigInt, because a label may be an id longer than 2^53. */
const byInteger = (a: string, b: string): number =>
  Number(BigInt(a) > BigInt(b)) - Number(BigInt(a) < BigInt(b));
