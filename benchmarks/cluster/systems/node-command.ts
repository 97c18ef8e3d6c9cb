/** Arguments of Node for a process of the benchmark that runs from its sources. */
export function nodeArguments(flags: readonly string[] = []): readonly string[] {
  return ['--conditions=source', '--disable-warning=ExperimentalWarning', ...flags];
}
