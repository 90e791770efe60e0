/** What `unlockctl walkthrough new` writes: a whole walkthrough that is valid as it is, with a comment on each part. */
export const STARTING_FILE = `# A walkthrough: what is given, then steps and what is expected of each.
# Check it with: unlockctl walkthrough check FILE
walkthrough: 1                # the version of this form
name: A wrong PIN, then the right one
about: >
  Say here whom it is useful to and what it proves.

given:
  # policy: { … }             # a policy document; left out: the one that a machine begins with
  keys:                       # the security keys, by names of your choice
    blue: plugged             # plugged or unplugged
  enrolled:                   # left out: nobody is enrolled, and a step does it
    pin: mine                 # PINs have names; whoever runs this makes them up
    key: blue

steps:
  - unlock:
      pin: [wrong, mine]      # typed in this order; "wrong" is a PIN that nobody has set
      touch: always           # always, never, or pull: the key is taken out while it waits
    note: One wrong PIN costs a try and nothing else.
    within: 30                # seconds after which the step is given up
    expect:
      verdict: granted        # or refused, with code: and reason:
      events:                 # in this order; others may come between
        - prompt pin
        - refused ERR_PIN_WRONG
        - touch
        - done
      state: unlocked         # of the container, afterwards

  # Further actions:
  #   insert: blue            remove: blue           lose: blue (it never comes back)
  #   daemon: kill | start | restart                 tpm: replace           suspend: true
  #   enrol: { pin: mine }    lock: true             changePin: { from: mine, to: newer }
  #   recover: { pin: newer } addKey: { pin: mine, key: red }    revokeKey: { pin: mine, key: red }
  # and, of phones, networks and Wi-Fi that are named in given:
  #   phone: { pocket: near | away | off | impostor }            addPhone: { pin: mine, phone: pocket }
  #   join: corp              accessPoint: { twin: on }          cable: office | out
  #   keyboard: idle | active                        wait: 5 (seconds, to show that nothing happens)
`;
