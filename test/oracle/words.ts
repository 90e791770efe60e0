/** The few words that generated policies and snapshots are made of: few enough that they meet, edges among them. */
export const ADDRESSES = {
  ipv4: ['192.0.2.1', '192.0.2.53', '192.0.2.5', '198.51.100.126'],
  ipv6: ['2001:db8:40::1', 'fe80::1', 'fe80::1%2', '2001:db8:40::53'],
} as const;

export const PREFIXES = {
  ipv4: [
    '192.0.2.0/24',
    '192.0.2.0/25',
    '192.0.2.4/31',
    '192.0.2.5/32',
    '198.51.100.0/25',
    '0.0.0.0/0',
    '192.0.2.9/24',
    '192.0.2.4/30',
  ],
  ipv6: ['2001:db8:40::/48', 'fe80::/10', '::/0', '2001:db8:40::5/128', '2001:db8:40::/49'],
} as const;

/** As a system may print them, wrong ones too. */
export const OBSERVED = {
  ipv4: [
    '192.0.2.5/24',
    '192.0.2.0/24',
    '192.0.2.255/24',
    '192.0.2.4',
    '192.0.2.127/25',
    '198.51.100.126/25',
    '198.51.100.130/25',
    '192.0.2.05/24',
    '300.1.1.1/8',
    '',
    '2001:db8:40::5/64',
  ],
  ipv6: [
    '2001:db8:40::5/64',
    '2001:DB8:0040:0:0:0:0:5/64',
    '2001:db8:40:8000::1/64',
    'fe80::2/64',
    '2001:db8:41::1/64',
    '::ffff:192.0.2.5/96',
    'fe80::1%eth0.5/64',
    '192.0.2.5/24',
    ':::/3',
  ],
} as const;

export const SERVERS = {
  ipv4: ['192.0.2.1', '192.0.2.53', '192.0.2.5', '198.51.100.126', '010.0.0.1', '192.0.2.1/24', 'x'],
  ipv6: ['2001:db8:40::1', 'fe80::1', 'fe80::1%2', 'fe80::1%eth0', '2001:db8:40:0::53', 'fe80::1%'],
} as const;

export const SUFFIXES = ['corp.example', 'a.corp.example', 'example', 'Corp.Example.'];
export const OWN_SUFFIXES = [
  null,
  'corp.example',
  'a.corp.example',
  'evilcorp.example',
  'CORP.EXAMPLE.',
  'example',
  '',
  'corp.example.evil',
];

export const SSIDS = ['depot-7', 'Corp&&5G', 'trailing\\', 'Büro'];
export const ROOTS = ['0f1e2d3c4b5a69788796a5b4c3d2e1f001122334', 'ab'.repeat(32)];
