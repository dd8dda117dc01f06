/** The text of what a library finds wrong. */
import { describeProblems, MAX_PROBLEMS } from './check.ts'
import type { StandardIssue } from './types.ts'

export function problemsOf(issues: readonly StandardIssue[]): string {
  // Paths have names that the client chose: thousands of long ones would take longer to write than the check took.
  const listed = issues.slice(0, MAX_PROBLEMS).map((issue) => [pathText(issue.path), issue.message] as const)
  return describeProblems(listed, issues.length)
}

function pathText(path: StandardIssue['path']): string {
  return (path ?? []).map((step) => String(typeof step === 'object' ? step.key : step)).join('.')
}
