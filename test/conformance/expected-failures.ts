/**
 * Scenarios that are known to fail, as `<version> <scenario>`. One on this list that passes is an error, so that the
 * list cannot outlive its reasons. It is empty: every core scenario passes. The extension scenarios (tasks, skills) are
 * not run, because the endpoint does not declare those extensions.
 */
export const expectedFailures: readonly string[] = []
