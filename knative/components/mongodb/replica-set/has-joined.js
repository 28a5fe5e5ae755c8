// Whether this member has its place in the replica set.
const state = db.hello();
quit(state.isWritablePrimary || state.secondary ? 0 : 1);
