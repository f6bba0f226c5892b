/** One ridge tried by cross-validation. */
export interface GridPoint {
  l2: number;
  /** Share of the held-out rows predicted right, 0–1. */
  accuracy: number;
  /** Mean −ln p of the true class over the held-out rows, in nats. */
  logLoss: number;
}

/** How the ridge was chosen, and what the head can be expected to do on rows it hasn't seen. */
export interface CrossValidationReport {
  folds: number;
  kind: 'stratified' | 'leave-one-out';
  /** Of the chosen l2. */
  accuracy: number;
  /** In increasing l2. */
  grid: GridPoint[];
  /** Accuracy of always answering the most frequent class. */
  majority: number;
  /** Rows held out once each; a class's only row is always trained on. */
  heldOut: number;
  /** Set when the accuracy is not clear of the majority class: see `barelyBeatsMajority`. */
  warning?: string;
}

/** What a fit ended in. */
export interface FitReport {
  /** The ridge used. */
  l2: number;
  /** Σ cross-entropies + (l2/2)‖weight‖² at the minimum. */
  objective: number;
  /** L-BFGS iterations of the last fit, on all labels. */
  iterations: number;
  /** Absent when l2 was given, or when no row could be held out. */
  crossValidation?: CrossValidationReport;
  /** Set when l2 was to be chosen and no row could be held out. */
  warning?: string;
}

/** Reads back what a head file's metadata holds; undefined for anything else. */
export function parseFitReport(text: string | undefined): FitReport | undefined {
  if (text === undefined) return undefined;
  try {
    const value: Partial<FitReport> | null = JSON.parse(text);
    const numbers = [value?.l2, value?.objective, value?.iterations];
    return numbers.every((number) => typeof number === 'number') ? (value as FitReport) : undefined;
  } catch {
    return undefined;
  }
}
