/* DELETE against a call, a GET, a short call and a write of session data that passed their session check before it.
 * Two instances, A and B. Each Redis script is one atomic step (its name is in capitals).
 *
 * The searches of `npm run model`:
 *   finishes
 *   finishes -DLIVE_DELETED: DELETE removes `live`, so a repeated DELETE has nobody to notify. The heartbeat finds the end
 *   fails -DNO_CHECK_APPEND: `append` does not check that the session exists
 *   fails -DNO_CHECK_REGISTER: `register` does not check it
 *   fails -DNO_CHECK_TAKE: `take` does not check it
 *   fails -DNO_CHECK_DATA: `setData` does not check it
 *   fails -DHB_POSITION: the heartbeat compares positions, and does not check that the session exists
 *   fails -DNO_HB: no heartbeat. Mail alone is not enough, because the instance may die before it sends the mail
 * What DELETE does not promise:
 *   fails -DSTRICT_SHORT: no short call is answered after DELETE is. One that passed its check before is
 *   fails -DSTRICT_NOW: no stream is open at the moment when DELETE is answered. Mail is on its way
 */
bool session = true, data;             /* mcp:{h}: whether it exists, and the data in it */
bool liveC, liveS;                     /* live: call registered, stream held */
byte log;                              /* entries */
bool answered;                         /* DELETE answered 204 */
bool open, calling;                    /* GET stream open on A, handler running on B */
bool early;                            /* "end" reached A while its take was under way */
byte losts; bool died;
chan boxA = [2] of { byte }; chan boxB = [2] of { byte };

proctype Call() {                      /* on B */
  byte i; bool refused;
  if :: atomic { session -> calling = true } :: atomic { !session -> goto out } fi;     /* session check: readSession */
  atomic {                             /* REGISTER */
#ifndef NO_CHECK_REGISTER
    if :: !session -> calling = false; goto out :: else fi;
#endif
    assert(!answered); liveC = true };
  do
  :: atomic { i < 2 ->                 /* APPEND */
#ifndef NO_CHECK_APPEND
      if :: !session -> calling = false; goto out :: else fi;
#endif
      assert(!answered); log++; i++ }
  :: atomic { i == 2 -> calling = false; if :: session -> liveC = false :: else fi; break }
  :: atomic { nempty(boxB) -> boxB?_; calling = false; goto out }
  :: i < 2 -> break                    /* goes on computing, sends nothing more */
  od;
  if :: calling ->
    do                                 /* a long silent handler: only mailbox or heartbeat end it */
    :: atomic { nempty(boxB) -> boxB?_; calling = false; break }
#ifndef NO_HB
    :: atomic { !session -> calling = false; break }
#endif
    od
  :: else fi;
out: skip
}

proctype Get() {                       /* on A */
  byte pos; bool ok;
  if :: session :: atomic { !session -> goto out } fi;               /* session check */
  atomic {                             /* TAKE */
#ifndef NO_CHECK_TAKE
    if :: !session -> goto out :: else fi;
#endif
    assert(!answered); liveS = true; pos = log };
  open = true;                         /* the reply of TAKE is processed: a later step */
  do
  :: atomic { nempty(boxA) -> boxA?_; open = false; break }
#ifndef NO_HB
#ifdef HB_POSITION
  :: atomic { pos < log -> pos = log }
#else
  :: atomic { !session -> open = false; break }                          /* LOOK: the session is gone */
  :: atomic { pos < log -> pos = log }
#endif
#endif
  od;
out: skip
}

proctype BoxReaderA() {                /* the mailbox is read on its own connection: it may be faster than TAKE's reply */
end: do :: atomic { nempty(boxA) && !open && liveS -> boxA?_; early = true } od
}

proctype Short() {                     /* one round trip: its session check */
  if :: session -> 
#ifdef STRICT_SHORT
        assert(!answered)              /* reply */
#else
        skip
#endif
  :: !session fi
}

proctype Data() {                      /* ctx.session.set */
  if :: session :: atomic { !session -> goto out } fi;
  atomic {
#ifndef NO_CHECK_DATA
    if :: !session -> goto out :: else fi;
#endif
    data = true };
out: skip
}

proctype Delete() {
  bool s, c;
  do
  :: atomic {                          /* DELETE: remove record, log and data; return the holders and owners */
       session = false; log = 0; data = false; s = liveS; c = liveC;
#ifdef LIVE_DELETED
       liveS = false; liveC = false;
#endif
       if :: losts < 1 -> losts++ :: break fi }
  od;
  if :: atomic { s && nfull(boxA) -> boxA!1 } :: !s :: died = true; goto out fi;
  if :: atomic { c && nfull(boxB) -> boxB!1 } :: !c :: died = true; goto out fi;
#ifdef STRICT_NOW
  assert(!open && !calling);
#endif
  answered = true;
out: skip
}

init {
  atomic { run BoxReaderA(); run Call(); run Get(); run Short(); run Data(); run Delete() };
  (_nr_pr == 2);                       /* hangs (invalid end state) if a stream or a call stays for ever */
  assert(!open && !calling && log == 0 && !data)
}
