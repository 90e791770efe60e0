/** Setting the policy of the machine twice at once: each change has a number of its own, and both are kept in order. */
import { expect, it } from 'vitest';
import { formatDocument } from '../../../agent/policy/forms/native-json.ts';
import { documentOf } from '../../support/policy-fixtures.ts';
import { peer, TestAgent } from '../../support/service/test-agent.ts';

it('two policies set at once both succeed, with numbers that follow each other', async () => {
  await using agent = await TestAgent.start();
  const documents = [['securityKey'], ['securityKey', 'network']].map((then) =>
    formatDocument(documentOf(['pin'], then as ('securityKey' | 'network')[])),
  );
  await Promise.all(documents.map((document) => agent.service.setPolicy(peer(0), document)));
  const set = agent.audit.filter(({ event }) => event === 'policy-set').map(({ detail }) => detail.version);
  expect(set).toEqual([2, 3]);
  expect(await agent.parts.store.readPolicy()).toMatchObject({ version: 3, document: documents[1] });
});

it('whoever follows the policy is told of each one that is in force, and of none that was refused', async () => {
  await using agent = await TestAgent.start();
  await agent.service.setPolicy(peer(0), formatDocument(documentOf(['pin'], ['securityKey'])));
  expect(agent.policiesSet).toBe(1);
  await expect(agent.service.setPolicy(peer(0), '{')).rejects.toMatchObject({ code: 'ERR_POLICY_INVALID' });
  expect(agent.policiesSet).toBe(1);
});
