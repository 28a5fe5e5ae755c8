// The liveness probe: exit 0 if storage can be read. A server whose storage engine has failed may still accept
// connections. A password that the server does not accept (yet, or any more) is not a fault of this member.
const AUTHENTICATION_FAILED = 18;

function authenticate(password) {
  try {
    db.getSiblingDB("admin").auth("admin", password);
  } catch (error) {
    quit(error.code === AUTHENTICATION_FAILED ? 0 : 1);
  }
}

if (process.env.ADMIN_PASSWORD) authenticate(process.env.ADMIN_PASSWORD.split("\n")[0].trim());
quit(db.stats().ok ? 0 : 1);
