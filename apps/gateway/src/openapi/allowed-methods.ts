import { PATHS } from './api-document.ts';

interface KnownPath {
  readonly pattern: RegExp;
  readonly methods: readonly string[];
}

/** Keys and idempotency keys may hold slashes; all other parts of a path end at one. */
const known: readonly KnownPath[] = Object.entries(PATHS).map(([template, item]) => ({
  pattern: new RegExp(
    `^${template
      .replaceAll(/[.:]/g, String.raw`\$&`)
      .replaceAll('{key}', '.+')
      .replaceAll(/\{\w+\}/g, '[^/]+')}$`,
  ),
  methods: Object.keys(item).map((method) => method.toUpperCase()),
}));

/** The methods that the document describes for a path; empty when it describes none. */
export function allowedMethods(target: string): readonly string[] {
  const path = target.replace(/[?#].*$/s, '');
  return [...new Set(known.filter(({ pattern }) => pattern.test(path)).flatMap(({ methods }) => methods))];
}
