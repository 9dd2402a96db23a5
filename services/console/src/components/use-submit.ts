import { type FormEvent, useState } from 'react';

/** What a form shows while its work is done, and when that failed. */
export interface Submission {
  /** Until the work has failed: what succeeds takes the form away. */
  readonly busy: boolean;
  /** Why it failed the last time; undefined while it is tried again. */
  readonly error: unknown;
  /** For `onSubmit`. */
  submit(event: FormEvent): void;
}

/** Does the work of a form when it is sent. */
export function useSubmit(work: () => Promise<unknown>): Submission {
  const [error, setError] = useState<unknown>();
  const [busy, setBusy] = useState(false);

  async function run(): Promise<void> {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  }

  return {
    busy,
    error,
    submit(event) {
      event.preventDefault();
      void run();
    },
  };
}
