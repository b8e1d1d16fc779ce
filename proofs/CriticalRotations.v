(* LH-4: the sum of L1 norms as a function of the rotation, to second order around
   rotated keys without zero entries.  Y holds the rotated weighted keys w_n y_n as
   columns, B their signs, M = B Y^T; the factor 1/(N sqrt d) of the catalogue is
   left out.  Rotations near the identity are Cayley transforms of skew matrices. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct OneBit GaugeSearch Cayley.
From mathcomp.algebra_tactics Require Import ring.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Second.
Variables (R : rcfType) (d N : nat).
Implicit Types (A Q V M : 'M[R]_d) (Y B : 'M[R]_(d, N)).
Add Field second_field : (mc_field_theory R).

Definition total_l1 Y : R := \sum_n l1 (col n Y).
Definition correlations Y : 'M[R]_d := sign_mx Y *m Y^T.

Lemma sign_mx_norm Y i n : `|sign_mx Y i n| = 1.
Proof. by rewrite mxE /sgn1; case: ifP; rewrite ?normrN normr1. Qed.

Lemma total_l1_trace Y : total_l1 Y = \tr ((sign_mx Y)^T *m Y).
Proof.
have := (GS_1_a_sign_step 1%:M Y (sign_mx_norm Y)).2.
by rewrite !mul1mx => ->.
Qed.

(* No sign matrix gives more than the L1 norms. *)
Lemma trace_le_total B Y : (forall i n, `|B i n| = 1) -> \tr (B^T *m Y) <= total_l1 Y.
Proof.
by move=> hB; have := (GS_1_a_sign_step 1%:M Y hB).1; rewrite !mul1mx -total_l1_trace.
Qed.

Lemma trace_rotated Y Q : \tr ((sign_mx Y)^T *m (Q *m Y)) = \tr (Q *m (correlations Y)^T).
Proof. by rewrite /correlations trmx_mul trmxK mxtrace_mulC -mulmxA. Qed.

Lemma total_l1_corr Y : total_l1 Y = \tr (correlations Y).
Proof. by rewrite total_l1_trace mxtrace_mulC -[RHS]mxtrace_tr trmx_mul trmxK. Qed.

(* Second-order value of the trace, with the explicit remainder. *)
Definition remainder A M : R := \tr (invmx (minus_half A) *m ((2%:R^-1 ^+ 2) *: (A *m A *m A) *m M^T)).

Lemma trace_expansion A M : skew A ->
  \tr (cayley A *m M^T) = \tr M + \tr (A *m M^T) + 2%:R^-1 * \tr (A *m A *m M^T) + remainder A M.
Proof.
move=> sk; rewrite cayley_order3 // !mulmxDl mul1mx -scalemxAl !raddfD /= mxtraceZ mxtrace_tr.
by rewrite /remainder mulmxA.
Qed.

Lemma remainder_bound A M : skew A ->
  `|remainder A M| <= 4%:R^-1 * \sum_j norm (A *m A *m A *m col j M^T).
Proof.
move=> sk; apply: le_trans (trace_contraction _ (fun y => inv_minus_half_norm y sk)) _.
rewrite mulr_sumr; apply: ler_sum => j _.
have -> : col j ((2%:R^-1 ^+ 2) *: (A *m A *m A) *m M^T) =
    4%:R^-1 *: (A *m A *m A *m col j M^T).
  rewrite !colE -mulmxA -scalemxAl; congr (_ *: _).
  by rewrite exprVn -natrX.
by rewrite normZ ger0_norm ?invr_ge0 ?ler0n.
Qed.

(* tr(A^2 M^T) sees only the symmetric part of M. *)
Lemma trace_sym_part A M : skew A ->
  \tr (A *m A *m M^T) = \tr (A *m A *m (2%:R^-1 *: (M + M^T))).
Proof.
move=> sk; have e : \tr (A *m A *m M^T) = \tr (A *m A *m M).
  by rewrite -mxtrace_tr !trmx_mul trmxK sk mulNmx !mulmxN opprK mxtrace_mulC.
rewrite -scalemxAr mxtraceZ mulmxDr raddfD /= -e.
by move: (\tr _) => t; rewrite -mulr2n -[t *+ 2]mulr_natl mulrA mulVf ?mul1r // pnatr_eq0.
Qed.

(* LH-4. (a) The value at the rotation cayley(A) of Y, exactly: linear term
   tr(A M^T), quadratic term tr(A^2 M^sym)/2, and a remainder of third order,
   bounded by a quarter of the sum of |A^3 M^T e_j|.  A is so small that no sign
   changes; where no entry of Y is zero, all small A are. *)
Theorem LH_4_a_second_order_expansion Y A : skew A ->
  (forall i n, norm (A *m col n Y) <= `|Y i n|) ->
  let M := correlations Y in
  let rest := total_l1 (cayley A *m Y) - (total_l1 Y + \tr (A *m M^T) +
      2%:R^-1 * \tr (A *m A *m (2%:R^-1 *: (M + M^T)))) in
  `|rest| <= 4%:R^-1 * \sum_j norm (A *m A *m A *m col j M^T).
Proof.
move=> sk small /=; set M := correlations Y; set rest := total_l1 _ - _.
suff -> : rest = remainder A M by apply: remainder_bound.
have signs i n : (cayley A *m Y) i n * sign_mx Y i n = `|(cayley A *m Y) i n|.
  have near : `|(cayley A *m Y) i n - Y i n| <= `|Y i n|.
    have -> : (cayley A *m Y) i n - Y i n = (invmx (minus_half A) *m (A *m col n Y)) i 0.
      rewrite cayley_order1 // mulmxDl mul1mx mxE addrC addKr -mulmxA.
      by rewrite !mxE; apply: eq_bigr => l _; congr (_ * _); rewrite !mxE; apply: eq_bigr => l' _; rewrite mxE.
    apply: le_trans (small i n); apply: le_trans (inv_minus_half_norm _ sk).
    exact: entry_le_norm.
  have ge : 0 <= (cayley A *m Y) i n * sign_mx Y i n.
    move: near; rewrite [sign_mx _ _ _]mxE /sgn1; move: ((cayley A *m Y) i n) (Y i n) => u v.
    rewrite ler_norml; case: (lerP 0 v) => hv /andP[h1 h2].
      by rewrite mulr1; move: h1; rewrite ger0_norm // ler_subr_addr addNr.
    rewrite mulrN1 oppr_ge0; move: h2; rewrite ltr0_norm // ler_subl_addr addNr.
    done.
  by rewrite -(ger0_norm ge) normrM sign_mx_norm mulr1.
have value : total_l1 (cayley A *m Y) = \tr ((sign_mx Y)^T *m (cayley A *m Y)).
  rewrite trace_sum; apply: eq_bigr => n _; apply: eq_bigr => i _.
  by rewrite mxE -signs mulrC.
rewrite /rest value trace_rotated trace_expansion // -/M -trace_sym_part //.
rewrite (total_l1_corr Y) -/M.
by rewrite addrC addKr.
Qed.

(* LH-4. (b) The linear term vanishes for every skew A exactly if M is symmetric. *)
Theorem LH_4_b_critical_iff_symmetric M :
  (forall A, skew A -> \tr (A *m M^T) = 0) <-> M^T = M.
Proof.
split=> [crit|sym A sk]; last first.
  have : \tr (A *m M^T) = - \tr (A *m M^T).
    by rewrite -{1}mxtrace_tr trmx_mul trmxK sk mulmxN raddfN /= mxtrace_mulC -{1}sym.
  by move/eqP; rewrite -addr_eq0 -mulr2n mulrn_eq0 => /eqP.
apply/matrixP => i j; rewrite mxE.
pose A : 'M[R]_d := delta_mx i j - delta_mx j i.
have skA : skew A by rewrite /skew /A linearB /= !trmx_delta opprB.
have trE p q : \tr (delta_mx p q *m M^T) = M p q.
  rewrite /mxtrace (bigD1 p) //= big1 => [|l lp]; last first.
    by rewrite mxE big1 // => o _; rewrite mxE (negPf lp) mul0r.
  rewrite addr0 mxE (bigD1 q) //= big1 => [|o oq]; last by rewrite mxE (negPf oq) andbF mul0r.
  by rewrite !mxE !eqxx mul1r addr0.
have := crit A skA; rewrite mulmxBl raddfB /= !trE => /eqP.
by rewrite subr_eq0 => /eqP.
Qed.

(* LH-4. (c) In an eigenbasis, M = V diag(mu) V^T, the quadratic form is
   - sum (mu_i + mu_j) a_ij^2 / 2 with a = V^T A V. *)
Theorem LH_4_c_hessian_in_eigenbasis M V (mu : 'rV[R]_d) A : skew A -> orthogonal V ->
  M = V *m diag_mx mu *m V^T ->
  let At := V^T *m A *m V in
  \tr (A *m A *m M) = - (2%:R^-1 * \sum_i \sum_j (mu 0 i + mu 0 j) * At i j ^+ 2).
Proof.
move=> sk oV ME At; have VV := mulmx1C oV.
have skAt : At^T = - At by rewrite /At !trmx_mul trmxK sk mulNmx mulmxN mulmxA.
have -> : \tr (A *m A *m M) = \tr (At *m At *m diag_mx mu).
  rewrite ME /At !mulmxA mxtrace_mulC !mulmxA; congr (\tr (_ *m _)).
  by rewrite -!mulmxA (mulmxA V V^T) VV mul1mx.
clearbody At; have ent i j : At j i = - At i j.
  by have := congr1 (fun X : 'M_d => X i j) skAt; rewrite !mxE.
have one : \tr (At *m At *m diag_mx mu) = - \sum_i \sum_j mu 0 i * At i j ^+ 2.
  rewrite /mxtrace -sumrN; apply: eq_bigr => i _; rewrite mul_mx_diag !mxE mulr_suml -sumrN.
  by apply: eq_bigr => j _; rewrite (ent i j) mulrN mulNr expr2 [in RHS]mulrC.
have two : \sum_i \sum_j mu 0 j * At i j ^+ 2 = \sum_i \sum_j mu 0 i * At i j ^+ 2.
  rewrite exchange_big; apply: eq_bigr => i _; apply: eq_bigr => j _.
  by rewrite (ent i j) sqrrN.
rewrite one; congr (- _).
have -> : \sum_i \sum_j (mu 0 i + mu 0 j) * At i j ^+ 2 =
    \sum_i \sum_j mu 0 i * At i j ^+ 2 + \sum_i \sum_j mu 0 j * At i j ^+ 2.
  rewrite -big_split; apply: eq_bigr => i _; rewrite -big_split; apply: eq_bigr => j _.
  exact: mulrDl.
rewrite two; move: (\sum_i _) => t.
by rewrite -mulr2n -[t *+ 2]mulr_natl mulrA mulVf ?mul1r // pnatr_eq0.
Qed.

(* LH-4. (d) If M is symmetric and positive semidefinite the form is negative
   semidefinite. *)
Theorem LH_4_d_psd_gives_nsd_hessian M A : skew A ->
  (forall v, 0 <= dot v (M *m v)) -> \tr (A *m A *m M) <= 0.
Proof.
move=> sk psd; rewrite -mulmxA mxtrace_mulC -[X in X <= _]opprK oppr_le0.
rewrite /mxtrace -sumrN; apply: sumr_ge0 => i _.
have := psd (row i A)^T; rewrite -dotE trmxK mulmxA => h.
have -> : - (A *m M *m A) i i = (row i A *m M *m (row i A)^T) 0 0; last exact: h.
rewrite -row_mul !mxE -sumrN; apply: eq_bigr => l _.
rewrite !mxE -mulrN; congr (_ * _).
by have := congr1 (fun X : 'M_d => X i l) sk; rewrite !mxE => ->; rewrite opprK.
Qed.

(* A linear term with a quadratic bound on both sides vanishes. *)
Lemma linear_zero (b C : R) : (forall t : R, t * b <= t ^+ 2 * C) -> b = 0.
Proof.
move=> h; have [//|b0] := eqVneq b 0.
pose D := `|C| + 1; have D0 : 0 < D by rewrite ltr_spaddr ?ltr01.
have CD : C <= D by apply: le_trans (ler_norm _) _; rewrite ler_addl ler01.
have := le_trans (h (b / (2%:R * D))) (ler_wpmul2l (sqr_ge0 _) CD).
pose q := b ^+ 2 / (4%:R * D).
have q0 : 0 < q.
  apply: divr_gt0; first by rewrite lt_def sqr_ge0 sqrf_eq0 b0.
  by rewrite mulr_gt0 ?ltr0n.
have e1 : b / (2%:R * D) * b = 2%:R * q by rewrite /q; field; rewrite gt_eqF.
have e2 : (b / (2%:R * D)) ^+ 2 * D = q by rewrite /q; field; rewrite gt_eqF.
by rewrite e1 e2 mulr_natl mulr2n ger_addl leNgt q0.
Qed.

(* LH-4. (e) At a fixed point of ITQ, where no rotation improves the trace with the
   present signs, M is symmetric and positive semidefinite; so by (b) and (d) it is
   critical with a negative semidefinite Hessian.  No decomposition is assumed. *)
Theorem LH_4_e_itq_fixed_point Y :
  (forall Q, orthogonal Q -> \tr ((sign_mx Y)^T *m (Q *m Y)) <= total_l1 Y) ->
  let M := correlations Y in
  M^T = M /\ forall v, 0 <= dot v (M *m v).
Proof.
move=> fix_pt M; have trM : total_l1 Y = \tr M := total_l1_corr Y.
have best Q : orthogonal Q -> \tr (Q *m M^T) <= \tr M.
  by move=> oQ; rewrite -trace_rotated -trM; apply: fix_pt.
split=> [|v].
  apply/LH_4_b_critical_iff_symmetric => A sk.
  pose C := \sum_j norm (2%:R^-1 *: (A *m A) *m col j M^T).
  apply: (@linear_zero _ C) => t; have skt := skewZ t sk.
  have := best _ (cayley_orth skt); rewrite cayley_order2 // !mulmxDl mul1mx !raddfD /=.
  rewrite mxtrace_tr -addrA ger_addl -scalemxAl mxtraceZ -mulmxA.
  have bound := trace_contraction ((2%:R^-1 *: (t *: A *m (t *: A))) *m M^T)
    (fun y => inv_minus_half_norm y skt).
  have CE : \sum_j norm (col j ((2%:R^-1 *: (t *: A *m (t *: A))) *m M^T)) = t ^+ 2 * C.
    rewrite mulr_sumr; apply: eq_bigr => j _.
    have -> : col j ((2%:R^-1 *: (t *: A *m (t *: A))) *m M^T) =
        t ^+ 2 *: (2%:R^-1 *: (A *m A) *m col j M^T).
      have -> : t *: A *m (t *: A) = t ^+ 2 *: (A *m A).
        by rewrite -scalemxAl -scalemxAr scalerA expr2.
      rewrite scalerA [_ * t ^+ 2]mulrC -scalerA -scalemxAl !colE -scalemxAl.
      by rewrite mulmxA.
    by rewrite normZ ger0_norm // sqr_ge0.
  rewrite CE in bound; move: bound; rewrite ler_norml => /andP[low _] h.
  move: low h; move: (\tr (invmx _ *m _)) => r low h.
  by rewrite -subr_le0 (le_trans _ h) // ler_add2l.
have [->|v0] := eqVneq v 0; first by rewrite dot0l.
have vv : 0 < dot v v by rewrite dot_gt0.
have := best _ (reflection_orth v); rewrite /reflection mulmxBl mul1mx raddfB /= mxtrace_tr.
rewrite ger_addl oppr_le0 -scalemxAl mxtraceZ pmulr_rge0 ?divr_gt0 ?ltr0n //.
have -> : \tr (v *m v^T *m M^T) = dot v (M *m v); last by [].
by rewrite -mulmxA mxtrace_mulC -mxtrace_tr !trmx_mul !trmxK -dotE -mulmxA /mxtrace big_ord1.
Qed.

Lemma norm_sum (I : finType) (F : I -> 'cV[R]_d) : norm (\sum_i F i) <= \sum_i norm (F i).
Proof.
elim/big_rec2: _ => [|i y x _ h]; first by rewrite /norm dot0l sqrtr0.
by apply: le_trans (norm_triangle _ _) _; rewrite ler_add2l.
Qed.

Lemma norm_mul_bound A : exists2 C, 0 < C & forall x, norm (A *m x) <= C * norm x.
Proof.
exists (\sum_j norm (col j A) + 1) => [|x].
  by rewrite ltr_spaddr ?ltr01 // sumr_ge0 // => j _; apply: norm_ge0.
have -> : A *m x = \sum_j x j 0 *: col j A.
  by apply/colP => i; rewrite mxE summxE; apply: eq_bigr => j _; rewrite !mxE mulrC.
apply: le_trans (norm_sum _) _.
rewrite mulrDl mul1r ler_paddr ?norm_ge0 // mulr_suml; apply: ler_sum => j _.
by rewrite normZ mulrC ler_wpmul2l ?norm_ge0 // entry_le_norm.
Qed.

(* LH-4. (f) A local maximum over rotations has mu_i + mu_j >= 0 for all pairs
   i <> j of eigenvalues of M: otherwise turning in the plane of their eigenvectors
   improves.  A rotation is near if it moves no vector by more than e of its length. *)
Theorem LH_4_f_local_maximum Y V (mu : 'rV[R]_d) i j : orthogonal V ->
  correlations Y = V *m diag_mx mu *m V^T -> i != j ->
  (exists2 e, 0 < e & forall Q, orthogonal Q ->
     (forall x, norm (Q *m x - x) <= e * norm x) -> total_l1 (Q *m Y) <= total_l1 Y) ->
  0 <= mu 0 i + mu 0 j.
Proof.
move=> oV ME ij [e e0 locmax]; rewrite leNgt; apply/negP => neg.
pose J : 'M[R]_d := delta_mx i j - delta_mx j i.
pose A := V *m J *m V^T; set M := correlations Y in ME.
have skJ : J^T = - J by rewrite /J linearB /= !trmx_delta opprB.
have skA : skew A by rewrite /skew /A !trmx_mul trmxK skJ mulNmx mulmxN mulmxA.
have Msym : M^T = M by rewrite ME !trmx_mul trmxK tr_diag_mx mulmxA.
pose h := \tr (A *m A *m M^T).
have hE : h = - (mu 0 i + mu 0 j).
  rewrite /h Msym (LH_4_c_hessian_in_eigenbasis skA oV ME); congr (- _).
  have -> : V^T *m A *m V = J.
    by rewrite /A !mulmxA oV mul1mx -mulmxA oV mulmx1.
  have pick (c : 'I_d -> 'I_d -> R) p q :
      \sum_k \sum_l c k l * ((k == p) && (l == q))%:R = c p q.
    rewrite (bigD1 p) //= [X in _ + X]big1 => [|k kp]; last first.
      by apply: big1 => l _; rewrite (negPf kp) mulr0.
    rewrite addr0 (bigD1 q) //= big1 => [|l lq]; last by rewrite (negPf lq) andbF mulr0.
    by rewrite !eqxx mulr1 addr0.
  have sq k l : (mu 0 k + mu 0 l) * J k l ^+ 2 =
      (mu 0 k + mu 0 l) * ((k == i) && (l == j))%:R + (mu 0 k + mu 0 l) * ((k == j) && (l == i))%:R.
    rewrite -mulrDr /J !mxE; congr (_ * _).
    have [->|ki] := eqVneq k i; last by rewrite /= sub0r sqrrN add0r; case: (_ && _); rewrite ?expr1n ?expr0n.
    by rewrite (negPf ij) /= subr0 addr0; case: (_ == _); rewrite ?expr1n ?expr0n.
  rewrite (eq_bigr _ (fun k _ => eq_bigr _ (fun l _ => sq k l))).
  rewrite (eq_bigr _ (fun k _ => big_split _ _ _ _ _)) big_split /= !pick [mu 0 j + _]addrC.
  by rewrite -mulr2n -[(_ + _) *+ 2]mulr_natl mulrA mulVf ?mul1r // pnatr_eq0.
have h0 : 0 < h by rewrite hE oppr_gt0.
have [C0 C00 hC0] := norm_mul_bound A.
pose Cs := \sum_l norm (A *m A *m A *m col l M^T).
have Cs0 : 0 <= Cs by apply: sumr_ge0 => l _; apply: norm_ge0.
have Cs1 : 0 < Cs + 1 by rewrite ltr_spaddr ?ltr01.
pose t := Num.min (e / C0) (h / (Cs + 1)).
have t0 : 0 < t by rewrite lt_minr !divr_gt0.
have skt := skewZ t skA.
have := locmax _ (cayley_orth skt) _; have near x : norm (cayley (t *: A) *m x - x) <= e * norm x.
  rewrite cayley_order1 // mulmxDl mul1mx addrC addKr -mulmxA.
  apply: le_trans (inv_minus_half_norm _ skt) _; rewrite -scalemxAl normZ gtr0_norm //.
  apply: le_trans (ler_wpmul2l (ltW t0) (hC0 x)) _; rewrite mulrA ler_wpmul2r ?norm_ge0 //.
  by rewrite -ler_pdivl_mulr // le_minl lexx.
move=> /(_ near); have := trace_le_total (cayley (t *: A) *m Y) (sign_mx_norm Y).
rewrite trace_rotated trace_expansion // -/M => low up.
have := le_trans low up; rewrite total_l1_corr -/M -!addrA ger_addl.
have -> : \tr (t *: A *m M^T) = 0 by apply: (LH_4_b_critical_iff_symmetric M).2.
have -> : \tr (t *: A *m (t *: A) *m M^T) = t ^+ 2 * h.
  by rewrite -scalemxAl -scalemxAr scalerA -scalemxAl mxtraceZ expr2.
have := remainder_bound M skt.
have -> : \sum_l norm (t *: A *m (t *: A) *m (t *: A) *m col l M^T) = t ^+ 3 * Cs.
  rewrite mulr_sumr; apply: eq_bigr => l _.
  have -> : t *: A *m (t *: A) *m (t *: A) = t ^+ 3 *: (A *m A *m A).
    have -> : t *: A *m (t *: A) = t ^+ 2 *: (A *m A).
      by rewrite -scalemxAl -scalemxAr scalerA expr2.
    by rewrite -scalemxAl -scalemxAr scalerA -exprSr.
  by rewrite -scalemxAl normZ ger0_norm // exprn_ge0 // ltW.
rewrite ler_norml add0r => /andP[rlow _]; rewrite leNgt => /negP; apply.
apply: (@lt_le_trans _ _ (2%:R^-1 * (t ^+ 2 * h) - 4%:R^-1 * (t ^+ 3 * Cs))); last by rewrite ler_add2l.
have tC : t * Cs < 2%:R * h.
  apply: (@le_lt_trans _ _ h); last by rewrite mulr_natl mulr2n ltr_addl.
  apply: (@le_trans _ _ (h / (Cs + 1) * Cs)); first by rewrite ler_wpmul2r // le_minl lexx orbT.
  by rewrite mulrAC ler_pdivr_mulr // ler_pmul2l // ler_addl ler01.
have -> : 2%:R^-1 * (t ^+ 2 * h) - 4%:R^-1 * (t ^+ 3 * Cs) =
    4%:R^-1 * (t ^+ 2 * (2%:R * h - t * Cs)) by field.
by rewrite mulr_gt0 ?invr_gt0 ?ltr0n // mulr_gt0 ?exprn_gt0 // subr_gt0.
Qed.

End Second.
