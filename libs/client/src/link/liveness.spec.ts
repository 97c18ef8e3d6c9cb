import { describe, expect, it } from 'vitest';
import { Liveness } from './liveness.ts';

const make = (): Liveness =>
  new Liveness({ silenceInFlightMs: 250, silenceIdleMs: 2000, pingTimeoutMs: 750 }, 0);

describe('Liveness', () => {
  it('pings a peer that owes an answer sooner than an idle one', () => {
    expect(make().check(249, true)).toBe('wait');
    expect(make().check(250, true)).toBe('ping');
    expect(make().check(1999, false)).toBe('wait');
    expect(make().check(2000, false)).toBe('ping');
  });

  it('gives up when nothing is heard after a ping', () => {
    const liveness = make();
    expect(liveness.check(300, true)).toBe('ping');
    expect(liveness.check(1049, true)).toBe('wait');
    expect(liveness.check(1050, true)).toBe('dead');
  });

  it('takes any byte as a sign of life', () => {
    const liveness = make();
    liveness.check(300, true);
    liveness.heard(1000);
    expect(liveness.check(1050, true)).toBe('wait');
    expect(liveness.check(1250, true)).toBe('ping');
  });

  it('does not count the silence from before the request', () => {
    const liveness = make();
    liveness.asked(1500);
    expect(liveness.check(1600, true)).toBe('wait');
  });

  it('does not let a new request call off a ping', () => {
    const liveness = make();
    liveness.check(2000, false);
    liveness.asked(2100);
    expect(liveness.check(2750, true)).toBe('dead');
  });
});
