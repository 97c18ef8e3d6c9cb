import { writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';

/** Microseconds between samples. */
const INTERVAL_US = 500;

/** To a process that can be profiled: begin, or end and write the profile. */
export type ProfileRequest =
  | { readonly type: 'profile-begin' }
  | { readonly type: 'profile-end'; readonly file: string };

export function isProfileRequest(message: unknown): message is ProfileRequest {
  const type = (message as { readonly type?: unknown } | null)?.type;
  return type === 'profile-begin' || type === 'profile-end';
}

/** V8's sampling profiler of this process, on request of its parent: only the measured time is in the profile. */
export class Profiling {
  #session: Session | undefined;

  /** Answers `profiled` when the profile is written. */
  async handle(request: ProfileRequest): Promise<void> {
    if (request.type === 'profile-begin') {
      this.#session = new Session();
      this.#session.connect();
      await this.#session.post('Profiler.enable');
      await this.#session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
      await this.#session.post('Profiler.start');
      return;
    }
    if (this.#session === undefined) throw new Error('no profile was begun');
    const { profile } = await this.#session.post('Profiler.stop');
    this.#session.disconnect();
    writeFileSync(request.file, JSON.stringify(profile));
    process.send?.({ type: 'profiled' });
  }
}
