/**
 * The tests that mutants of the policy room have to get past, in one file: a mutant is tried in a fraction of the time
 * when the room is loaded once and not once for each of them. The tests that take longest stand last.
 */
import '../unit/policy/branches.test.ts';
import '../unit/policy/decision.test.ts';
import '../unit/policy/defaults.test.ts';
import '../unit/policy/evaluate.test.ts';
import '../unit/policy/explain.test.ts';
import '../unit/policy/finding.test.ts';
import '../unit/policy/grant.test.ts';
import '../unit/policy/keys.test.ts';
import '../unit/policy/lists.test.ts';
import '../unit/policy/match-bluetooth.test.ts';
import '../unit/policy/match-ip-config.test.ts';
import '../unit/policy/match-wifi.test.ts';
import '../unit/policy/rule-failures.test.ts';
import '../unit/policy/signal-words.test.ts';
import '../unit/policy/time-window.test.ts';
import '../unit/policy/tree.test.ts';
import '../unit/policy/well-formed.test.ts';
import '../unit/policy/windows-rules.test.ts';
import '../unit/policy/incremental.test.ts';
import '../unit/policy/requirement.test.ts';
import '../property/policy/incremental.test.ts';
import '../property/policy/oracle.test.ts';
