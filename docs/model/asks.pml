/* The asks, answers and cancels of one call. Each Redis script is one atomic step (its name is in capitals).
 *
 * Instance X registers the call (the reply may be lost), asks, waits, and ends the call. X may die; then a holder claims
 * the call and runs it again (run 2). Two POSTs answer the ask with different values (1 and 2); each may lose the reply
 * of its script and repeat it, or die between the store and the mailbox. One cancel does the same, before or after the
 * registration. Every fault is counted, so there are no cycles, and "eventually" means "in every end state".
 *
 * The searches of `npm run model`:
 *   finishes
 *   finishes -DNO_REREAD: the waiting run relies on the mailbox. Its heartbeat is for speed: the deadline asks the store
 *   fails -DCANCEL_SECONDS: the cancel of a registered call is only a mark that expires
 *   fails -DMARK_EATEN: the registration removes the mark of an early cancel, so a repeated registration misses it
 *   fails -DREAD_DELETES: reading an answer removes it
 *   fails -DTIMEOUT_LOCAL: the deadline ends the wait without asking the store
 *   fails -DBLIND_STORE: an answer overwrites an answer
 *   fails -DFINAL_BLIND: the final append ignores the cancel
 */
#define NO 0
#define PENDING 9
#ifndef MAXLOST
#define MAXLOST 1
#endif
#ifndef MAXDIE
#define MAXDIE 1       /* of posting instances, between script and mailbox */
#endif
/* ---- Redis ---- */
byte owner;            /* live c:<id>   : 0 none, else run 1 or 2 */
bool cflag;            /* live x:<id>   : cancelled, lives as long as the call */
bool mark;             /* cancel:<id>   : lives for seconds */
byte ask[3];           /* asks hash, one ask id per run: NO, PENDING, or the stored answer 1 / 2 */
bool over;             /* final appended or call ended as cancelled */
/* ---- the world ---- */
bool xdead, markExpired, cancelDone, cancelEarly, cancelAfterEnd;
byte losts, dies;
byte stored[3];        /* answer accepted first for the ask of run r */
byte got[3];           /* answer that the handler of run r got; 7 = deadline, 8 = aborted */
byte applied[3];
bool aborted, responded;
chan box[3] = [4] of { byte };    /* mailbox: 1 = answer, 2 = cancel */
#define LOSE (losts < MAXLOST)
#define ALIVE (r == 2 || !xdead)

proctype Handler(byte r) {
  byte m; bool c;
  if :: r == 1 ->
    do                                        /* REGISTER(request, token): set if absent, a repeat is ok */
    :: atomic { ALIVE ->
         if :: owner == 0 && !over -> owner = 1 :: else fi;
         if :: mark -> c = true; cflag = true;     /* the mark becomes the flag, which stays */
#ifdef MARK_EATEN
              mark = false; cflag = false
#endif
            :: !mark -> c = cflag fi;
         if :: LOSE -> losts++; c = false; :: break fi }
    :: !ALIVE -> goto out
    od
  :: r == 2 -> c = cflag                      /* CLAIM returned the cancel flag */
  fi;
  if :: atomic { c && ALIVE -> goto abort } :: !c :: !ALIVE -> goto out fi;
  atomic { ALIVE -> ask[r] = PENDING } unless { !ALIVE };   /* ASK: stored before it is sent */
  if :: !ALIVE -> goto out :: else fi;
  do
  :: !ALIVE -> goto out
  :: atomic { ALIVE && nempty(box[r]) -> box[r]?m; if :: m == 2 -> goto abort :: else fi; goto look }
#ifndef NO_REREAD
  :: atomic { ALIVE && cflag -> goto abort }                 /* heartbeat: LOOK at the cancel */
  :: atomic { ALIVE && ask[r] != PENDING && ask[r] != NO -> goto look }    /* heartbeat: LOOK at the ask */
#endif
#ifdef TIMEOUT_LOCAL
  :: atomic { ALIVE -> got[r] = 7; ask[r] = NO; break }
#else
  :: atomic { ALIVE ->                        /* deadline: CLOSE(ask) removes it if pending, else returns the answer */
       if :: ask[r] == PENDING -> got[r] = 7; ask[r] = NO :: else -> got[r] = ask[r]; applied[r]++ fi; break }
#endif
  :: false ->
look: atomic { if
       :: ALIVE && ask[r] != PENDING && ask[r] != NO ->      /* LOOK(ask): read, not removed; lost reply: again */
          m = ask[r];
#ifdef READ_DELETES
          ask[r] = NO;
#endif
          if :: LOSE -> losts++ :: got[r] = m; applied[r]++; break fi
       :: else fi }
  od;
  if                                          /* APPEND of the final: refused if cancelled or owned by another run */
  :: atomic { ALIVE -> 
#ifdef FINAL_BLIND
       if :: owner == r && !over -> over = true; owner = 0; responded = true :: else fi }
#else
       if :: owner == r && !cflag && !over -> over = true; owner = 0; responded = true
          :: owner == r && cflag -> goto abort
          :: else fi }
#endif
  :: !ALIVE
  fi;
  goto out;
abort: atomic { if :: ALIVE -> if :: owner == r -> over = true; owner = 0 :: else fi; aborted = true; got[r] = 8 :: else fi };
out: skip
}

proctype Answer(byte r; byte v) {             /* POST with the answer v to the ask of run r, on any instance */
  byte o;
  do
  :: atomic { ask[r] != NO || got[r] != 0 || over ->    /* ANSWER(ask, v): pending -> v; anything else unchanged */
       o = 0;
       if
       :: ask[r] == PENDING -> ask[r] = v; o = r; stored[r] = v
#ifdef BLIND_STORE
       :: ask[r] != PENDING && ask[r] != NO -> ask[r] = v; o = r
#else
       :: ask[r] != PENDING && ask[r] != NO -> o = r      /* unchanged, and mail the owner again (a repeat) */
#endif
       :: ask[r] == NO -> skip
       fi;
       if :: LOSE -> losts++ :: break fi }
  :: atomic { xdead && r == 1 -> goto out }   /* never asked */
  :: atomic { over -> goto out }
  od;
  if :: dies < MAXDIE -> dies++               /* dies between store and mailbox; 202 was not sent */
  :: atomic { o != 0 -> if :: nfull(box[o]) -> box[o]!1 :: full(box[o]) -> skip fi }
  :: o == 0
  fi;
out: skip
}

proctype Cancel() {
  byte o;
  do
  :: atomic { true ->                         /* CANCEL(request): registered -> flag, else mark with a lifetime */
       o = owner;
       if :: over -> cancelAfterEnd = true
          :: !over && owner == 0 -> mark = true; cancelEarly = true
          :: !over && owner != 0 ->
#ifdef CANCEL_SECONDS
               mark = true
#else
               cflag = true
#endif
       fi;
       cancelDone = true;
       if :: LOSE -> losts++ :: break fi }
  od;
  if :: dies < MAXDIE -> dies++
  :: atomic { o != 0 -> if :: nfull(box[o]) -> box[o]!2 :: full(box[o]) -> skip fi }
  :: o == 0
  fi
}

proctype World() {
  bool began;
end:
  do
  :: atomic { mark -> mark = false;           /* seconds have passed. Before registration: allowed to miss */
       if :: owner == 0 && !over && !xdead -> markExpired = true :: else fi }
  :: atomic { !xdead && owner == 1 -> xdead = true }      /* the owner dies */
  :: atomic { xdead && owner == 1 && !began -> began = true; owner = 2; run Handler(2) }   /* CLAIM by the holder */
  od
}

init {
  atomic { run World(); run Handler(1); run Answer(1,1); run Answer(1,2); run Cancel() };
  (_nr_pr == 2 && over);                      /* all but World have ended, the call too: else invalid end state */
  /* a cancel processed while the call was on, its mark not expired before registration: aborted, no response */
  assert(!(cancelDone && !cancelAfterEnd && !markExpired && over) || (aborted && !responded));
  assert(applied[1] <= 1 && applied[2] <= 1);
  /* an answer accepted by the store is the one the handler got (unless it was aborted or its instance died) */
  assert(!(stored[1] != 0 && got[1] != 8 && !xdead) || got[1] == stored[1])
}
