(* Family AD: how far quantised keys and values move the attention output.
   Score perturbations enter only through their spread
   osc(delta) = max - min; no calculus is used. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import mathcomp_extra.
From mathcomp.analysis Require Import reals sequences exp.
From Routegauge Require Import FieldTactics InnerProduct OneBit.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Algebra.
Variable R : realFieldType.
Add Field algebra_field : (mc_field_theory R).

(* The scalar core of AD-2, x = y^2. *)
Lemma tv_core (P y : R) : 0 <= P <= 1 -> 1 <= y ->
  P * y ^+ 2 / (P * y ^+ 2 + 1 - P) - P <= (y - 1) / (y + 1).
Proof.
move=> /andP[P0 P1] y1; have y0 : 0 <= y by apply: le_trans y1.
have yp : 0 < y + 1 by apply: ltr_paddl => //; rewrite ltr01.
have D0 : 0 < P * y ^+ 2 + 1 - P.
  have -> : P * y ^+ 2 + 1 - P = 1 + P * (y ^+ 2 - 1) by mring R.
  by apply: ltr_paddr; rewrite ?ltr01 // mulr_ge0 // subr_ge0 exprn_ege1.
rewrite -subr_ge0.
have -> : (y - 1) / (y + 1) - (P * y ^+ 2 / (P * y ^+ 2 + 1 - P) - P) =
   (y - 1) * (P * (y + 1) - 1) ^+ 2 / ((y + 1) * (P * y ^+ 2 + 1 - P)).
  have yn : y + 1 != 0 by rewrite gt_eqF.
  have Dn : P * y ^+ 2 + 1 - P != 0 by rewrite gt_eqF.
  move/eqP: Dn; rewrite exprS expr1 => Dn; move/eqP: yn => yn.
  by mfield R; split.
by apply: divr_ge0; apply: mulr_ge0; [rewrite subr_ge0 | apply: sqr_ge0 | apply: ltW | apply: ltW].
Qed.

(* Monotone form: numerator at most P x, complement at least 1 - P. *)
Lemma mass_core (a b P x : R) : 0 <= a -> 0 <= b -> 0 <= P <= 1 -> 1 <= x ->
  0 < a + b -> a * (1 - P) <= P * x * b ->
  a / (a + b) <= P * x / (P * x + 1 - P).
Proof.
move=> a0 b0 /andP[P0 P1] x1 ab h.
have D0 : 0 < P * x + 1 - P.
  have -> : P * x + 1 - P = 1 + P * (x - 1) by mring R.
  by apply: ltr_paddr; rewrite ?ltr01 // mulr_ge0 // subr_ge0.
rewrite ler_pdivr_mulr // mulrAC ler_pdivl_mulr // -subr_ge0.
have -> : P * x * (a + b) - a * (P * x + 1 - P) = P * x * b - a * (1 - P) by mring R.
by rewrite subr_ge0.
Qed.

Variable n : nat.
Implicit Types (p v : 'I_n -> R).

(* Total variation distance of two weight vectors. *)
Definition tv p p' : R := (\sum_i `|p' i - p i|) / 2%:R.

Lemma tv_set p p' : \sum_i p i = 1 -> \sum_i p' i = 1 ->
  tv p p' = \sum_(i | p i <= p' i) p' i - \sum_(i | p i <= p' i) p i.
Proof.
move=> s s'; rewrite -sumrB; set S := \sum_(i | _) (_ - _).
have tot : \sum_i (p' i - p i) = 0 by rewrite sumrB s s' subrr.
have C : \sum_(i | ~~ (p i <= p' i)) (p' i - p i) = - S.
  move: tot; rewrite (bigID (fun i => p i <= p' i)) /= -/S => e.
  by apply/eqP; rewrite -addr_eq0 addrC e.
rewrite /tv (bigID (fun i => p i <= p' i)) /=.
rewrite (eq_bigr (fun i => p' i - p i)); last by move=> i h; rewrite ger0_norm ?subr_ge0.
rewrite -/S [X in S + X](eq_bigr (fun i => - (p' i - p i))); last first.
  by move=> i; rewrite -ltNge => h; rewrite ltr0_norm ?subr_lt0.
by rewrite sumrN C opprK -mulr2n -[S *+ 2]mulr_natr mulfK // pnatr_eq0.
Qed.

(* A weighted mean moves by at most TV times the spread of the values. *)
Lemma tv_spread p p' v (Om : R) : \sum_i p i = 1 -> \sum_i p' i = 1 ->
  (forall i j, v i - v j <= Om) ->
  `|\sum_i p' i * v i - \sum_i p i * v i| <= tv p p' * Om.
Proof.
move=> s s' hv; have [e|n0] := posnP n.
  move: s; rewrite big1 => [/eqP|i _]; first by rewrite eq_sym oner_eq0.
  by suff : (i < 0)%N by []; rewrite -e.
have [l [_ lmin]] : exists l, true /\ forall i, v l <= v i.
  by exists [arg min_(i < Ordinal n0) v i]%O; split=> // i; case: arg_minP => // l _; apply.
pose c := v l + Om / 2%:R.
have -> : \sum_i p' i * v i - \sum_i p i * v i = \sum_i (p' i - p i) * (v i - c).
  rewrite [RHS](eq_bigr (fun i => (p' i * v i - p i * v i) - (p' i - p i) * c)); last first.
    by move=> i _; mring R.
  rewrite sumrB sumrB; have -> : \sum_i (p' i - p i) * c = 0.
    by rewrite -mulr_suml sumrB s s' subrr mul0r.
  by rewrite subr0.
apply: le_trans (ler_norm_sum _ _ _) _; rewrite /tv mulrAC -mulrA mulr_suml.
apply: ler_sum => i _; rewrite normrM ler_wpmul2l // ler_norml /c.
have h1 := lmin i; have h2 := hv i l.
have aux1 (x y h : R) : x - (y + h) - - h = x - y by mring R.
have aux2 (x y h : R) : h - (x - (y + h)) = h + h - (x - y) by mring R.
apply/andP; split; first by rewrite -subr_ge0 aux1 subr_ge0.
by rewrite -subr_ge0 aux2 -splitr subr_ge0.
Qed.

(* AD-3. (a) Output bound for any two probability vectors p, p' and one channel:
   value error plus TV times the spread of the values. *)
Theorem AD_3_a_output_bound_from_tv p p' v v' (Om : R) :
  (forall i, 0 <= p' i) -> \sum_i p i = 1 -> \sum_i p' i = 1 ->
  (forall i j, v i - v j <= Om) ->
  `|\sum_i p' i * v' i - \sum_i p i * v i| <=
    \sum_i p' i * `|v' i - v i| + tv p p' * Om.
Proof.
move=> p0 s s' hv.
have -> : \sum_i p' i * v' i - \sum_i p i * v i =
    \sum_i p' i * (v' i - v i) + (\sum_i p' i * v i - \sum_i p i * v i).
  rewrite addrA -big_split; congr (_ - _); apply: eq_bigr => i _.
  by rewrite /= -mulrDr subrK.
apply: le_trans (ler_norm_add _ _) _; apply: ler_add; last exact: tv_spread.
apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => i _.
by rewrite normrM ger0_norm.
Qed.

End Algebra.

Section Softmax.
Variables (R : realType) (n : nat).
Hypothesis n0 : (0 < n)%N.
Implicit Types (z dl : 'I_n -> R).
Add Field softmax_field : (mc_field_theory R).

Definition softmax z i : R := expR (z i) / \sum_j expR (z j).
Definition tanh (x : R) : R := (expR x - expR (- x)) / (expR x + expR (- x)).
(* Spread max - min of a finite family. *)
Definition osc z : R := \big[Num.max/0]_(p : 'I_n * 'I_n) (z p.1 - z p.2).

Lemma osc_ge z i j : z i - z j <= osc z.
Proof. exact: (le_bigmax _ _ (i, j)). Qed.

Lemma osc_le z (c : R) : 0 <= c -> (forall i j, z i - z j <= c) -> osc z <= c.
Proof. by move=> c0 h; apply: bigmax_le => // -[i j] _; apply: h. Qed.

Lemma osc_ge0 z : 0 <= osc z.
Proof. by rewrite -(subrr (z (Ordinal n0))) osc_ge. Qed.

Lemma sumexp_gt0 z : 0 < \sum_j expR (z j).
Proof.
rewrite (bigD1 (Ordinal n0)) //=; apply: ltr_paddr; last exact: expR_gt0.
by apply: sumr_ge0 => i _; apply/ltW/expR_gt0.
Qed.

Lemma softmax_ge0 z i : 0 <= softmax z i.
Proof. by rewrite divr_ge0 // ltW ?expR_gt0 ?sumexp_gt0. Qed.

Lemma softmax_sum z : \sum_i softmax z i = 1.
Proof. by rewrite -mulr_suml divff // gt_eqF // sumexp_gt0. Qed.

Lemma tanhE (x : R) : tanh (x / 4%:R) = (expR (x / 2%:R) - 1) / (expR (x / 2%:R) + 1).
Proof.
have u0 : 0 < expR (x / 4%:R) by exact: expR_gt0.
have -> : expR (x / 2%:R) = expR (x / 4%:R) * expR (x / 4%:R).
  rewrite -expRD; congr expR.
  by rewrite {1}(splitr x) mulrDl -mulrA -invfM -natrM.
rewrite /tanh expRN; move: (expR _) u0 => u u0.
have un : u <> 0 by apply/eqP; rewrite gt_eqF.
have s1 : u * u + 1 <> 0.
  apply/eqP; rewrite gt_eqF //; apply: ltr_paddl; last exact: ltr01.
  by apply: mulr_ge0; apply: ltW.
by mfield R; repeat split.
Qed.

(* AD-2. (a) However large the score error delta, softmax moves in total
   variation by at most tanh of a quarter of its spread. *)
Theorem AD_2_a_softmax_tv_bound z dl :
  tv (softmax z) (softmax (fun i => z i + dl i)) <= tanh (osc dl / 4%:R).
Proof.
set p := softmax z; set p' := softmax _.
rewrite tv_set ?softmax_sum // tanhE.
set A := fun i => p i <= p' i.
set y := expR (osc dl / 2%:R); set P := \sum_(i | A i) p i.
have y1 : 1 <= y by rewrite -(expR0 R) ler_expR divr_ge0 ?osc_ge0 ?ler0n.
have yy : y ^+ 2 = expR (osc dl) by rewrite expr2 -expRD -splitr.
have P01 : 0 <= P <= 1.
  rewrite sumr_ge0 /= => [|i _]; last exact: softmax_ge0.
  by rewrite -(softmax_sum z) [X in _ <= X](bigID A) /= ler_addl sumr_ge0 // => i _; apply: softmax_ge0.
apply: le_trans (tv_core P01 y1); rewrite ler_add2r.
have [l _ lmin] : exists2 l, true & forall i, dl l <= dl i.
  by exists [arg min_(i < Ordinal n0) dl i]%O => // i; case: arg_minP => // l _; apply.
pose w i := expR (dl i); pose Z := \sum_j expR (z j).
have Z0 : 0 < Z by apply: sumexp_gt0.
pose a := \sum_(i | A i) p i * w i; pose b := \sum_(i | ~~ A i) p i * w i.
have ge0 i : 0 <= p i * w i by rewrite mulr_ge0 ?softmax_ge0 // ltW ?expR_gt0.
have a0 : 0 <= a by apply: sumr_ge0. have b0 : 0 <= b by apply: sumr_ge0.
have abE : a + b = (\sum_j expR (z j + dl j)) / Z.
  have -> : a + b = \sum_i p i * w i by rewrite [RHS](bigID A).
  rewrite mulr_suml; apply: eq_bigr => i _.
  by rewrite expRD /p /softmax /w mulrAC.
have ab0 : 0 < a + b by rewrite abE divr_gt0 // sumexp_gt0.
have -> : \sum_(i | A i) p' i = a / (a + b).
  rewrite /a mulr_suml; apply: eq_bigr => i _; rewrite abE /p' /p /softmax /w expRD -/Z.
  have S0 : \sum_j expR (z j + dl j) <> 0 by apply/eqP; rewrite gt_eqF // sumexp_gt0.
  have Zn : Z <> 0 by apply/eqP; rewrite gt_eqF.
  move: (expR (z i)) (expR (dl i)) => e1 e2.
  move: S0; set S := \sum_j _ => S0.
  by mfield R; split.
apply: mass_core => //; first by rewrite exprn_ege1.
have wlo i : expR (dl l) <= w i by rewrite ler_expR.
have whi i : w i <= expR (dl l) * y ^+ 2.
  by rewrite yy -expRD ler_expR -ler_subl_addl osc_ge.
have ha : a <= expR (dl l) * y ^+ 2 * P.
  rewrite /a /P mulr_sumr; apply: ler_sum => i _; rewrite mulrC.
  by apply: ler_wpmul2r; [apply: softmax_ge0 | apply: whi].
have hb : expR (dl l) * (1 - P) <= b.
  have -> : 1 - P = \sum_(i | ~~ A i) p i.
    by rewrite -(softmax_sum z) (bigID A) /= -/p -/P addrC addKr.
  rewrite mulr_sumr; apply: ler_sum => i _; rewrite mulrC.
  by apply: ler_wpmul2l; [apply: softmax_ge0 | apply: wlo].
apply: (@le_trans _ _ (expR (dl l) * y ^+ 2 * P * (1 - P))).
  by apply: ler_wpmul2r => //; rewrite subr_ge0; case/andP: P01.
have -> : expR (dl l) * y ^+ 2 * P * (1 - P) = P * y ^+ 2 * (expR (dl l) * (1 - P)) by mring R.
by apply: ler_wpmul2l => //; rewrite mulr_ge0 ?sqr_ge0 //; case/andP: P01.
Qed.

End Softmax.

Section Attention.
Variables (R : realType) (n d dv : nat).
Hypothesis n0 : (0 < n)%N.
Hypothesis d0 : (0 < d)%N.
Variables (q : 'cV[R]_d) (k k' : 'I_n -> 'cV[R]_d) (v v' : 'I_n -> 'cV[R]_dv).
Add Field attention_field : (mc_field_theory R).

Definition scores (K : 'I_n -> 'cV[R]_d) i : R := dot q (K i) / Num.sqrt d%:R.
Definition delta i : R := dot q (k' i - k i) / Num.sqrt d%:R.
Definition output (K : 'I_n -> 'cV[R]_d) (V : 'I_n -> 'cV[R]_dv) chi : R :=
  \sum_i softmax (scores K) i * V i chi 0.

Lemma scores_shift i : scores k' i = scores k i + delta i.
Proof. by rewrite /scores /delta -mulrDl dotBr addrC subrK. Qed.

(* AD-3. (b) Per channel chi, with key errors (score error delta) and value
   errors. *)
Theorem AD_3_b_channel_bound chi :
  `|output k' v' chi - output k v chi| <=
  \sum_i softmax (scores k') i * `|v' i chi 0 - v i chi 0| +
    tanh (osc delta / 4%:R) * osc (fun i => v i chi 0).
Proof.
have := @AD_3_a_output_bound_from_tv R n _ _ (fun i => v i chi 0) (fun i => v' i chi 0) _
  (softmax_ge0 n0 (scores k')) (softmax_sum n0 (scores k)) (softmax_sum n0 (scores k'))
  (osc_ge (fun i => v i chi 0)).
move/le_trans; apply; rewrite ler_add2l; apply: ler_wpmul2r; first exact: osc_ge0.
have := AD_2_a_softmax_tv_bound n0 (scores k) delta; congr (_ <= _).
rewrite /tv; congr (_ / _); apply: eq_bigr => i _; congr `|_ - _|.
rewrite /softmax scores_shift; congr (_ / _).
by apply: eq_bigr => j _; rewrite scores_shift.
Qed.

(* AD-3. (c) In the sup norm: eV bounds all value errors, Om the spread of every
   channel (the maxima are such bounds). *)
Theorem AD_3_c_sup_bound (eV Om : R) chi :
  (forall i, `|v' i chi 0 - v i chi 0| <= eV) ->
  osc (fun i => v i chi 0) <= Om ->
  `|output k' v' chi - output k v chi| <= eV + tanh (osc delta / 4%:R) * Om.
Proof.
move=> heV hOm; apply: le_trans (AD_3_b_channel_bound chi) _; apply: ler_add.
  rewrite -[eV]mul1r -(softmax_sum n0 (scores k')) mulr_suml.
  by apply: ler_sum => i _; apply: ler_wpmul2l; [apply: softmax_ge0 | apply: heV].
apply: ler_wpmul2l => //; rewrite tanhE //.
have y1 : 1 <= expR (osc delta / 2%:R).
  have : expR 0 <= expR (osc delta / 2%:R).
    by rewrite ler_expR; apply: divr_ge0; [apply: osc_ge0 | apply: ler0n].
  by rewrite expR0.
apply: divr_ge0; first by rewrite subr_ge0.
by apply: addr_ge0; [apply/ltW/expR_gt0 | apply: ler01].
Qed.

Lemma sqrtd_gt0 : 0 < Num.sqrt d%:R :> R.
Proof. by rewrite sqrtr_gt0 ltr0n. Qed.

(* AD-3. (d) The spread of the score error from Euclidean key errors. *)
Theorem AD_3_d_osc_euclidean (eK : R) : (forall i, norm (k' i - k i) <= eK) ->
  osc delta <= 2%:R * norm q * eK / Num.sqrt d%:R.
Proof.
move=> h; have s0 := sqrtd_gt0.
have eK0 : 0 <= eK by apply: le_trans (h (Ordinal n0)); apply: norm_ge0.
have one i : `|dot q (k' i - k i)| <= norm q * eK.
  apply: le_trans (cauchy_schwarz _ _) _; apply: ler_wpmul2l => //; exact: norm_ge0.
apply: osc_le => [|i j].
  by apply: divr_ge0; rewrite ?mulr_ge0 ?norm_ge0 ?ler0n // ltW.
rewrite /delta -mulrBl ler_pmul2r ?invr_gt0 // -mulrA mulr_natl mulr2n.
apply: ler_add; first exact: le_trans (ler_norm _) (one i).
by apply: le_trans (one j); rewrite -normrN ler_norm.
Qed.

(* AD-3. (e) The same from entrywise key errors and the L1 norm of q. *)
Theorem AD_3_e_osc_entrywise (eK : R) : 0 <= eK ->
  (forall i a, `|(k' i - k i) a 0| <= eK) ->
  osc delta <= 2%:R * l1 q * eK / Num.sqrt d%:R.
Proof.
move=> eK0 h; have s0 := sqrtd_gt0.
have one i : `|dot q (k' i - k i)| <= l1 q * eK.
  apply: le_trans (ler_norm_sum _ _ _) _; rewrite /l1 mulr_suml.
  by apply: ler_sum => a _; rewrite normrM; apply: ler_wpmul2l.
apply: osc_le => [|i j].
  by apply: divr_ge0; rewrite ?mulr_ge0 ?l1_ge0 ?ler0n // ltW.
rewrite /delta -mulrBl ler_pmul2r ?invr_gt0 // -mulrA mulr_natl mulr2n.
apply: ler_add; first exact: le_trans (ler_norm _) (one i).
by apply: le_trans (one j); rewrite -normrN ler_norm.
Qed.

End Attention.

Section Sharp.
Variable R : realType.
Add Field sharp_field : (mc_field_theory R).

(* AD-2. (b) The bound is sharp for every spread: two scores at distance
   Delta/2, perturbed so that they trade places. *)
Theorem AD_2_b_sharp (Delta : R) : 0 <= Delta ->
  exists z dl : 'I_2 -> R, osc dl = Delta /\
    tv (softmax z) (softmax (fun i => z i + dl i)) = tanh (Delta / 4%:R).
Proof.
move=> D0; pose z (i : 'I_2) : R := if i == 0 then 0 else Delta / 2%:R.
pose dl (i : 'I_2) : R := if i == 0 then Delta else 0.
exists z, dl; split.
  apply/eqP; rewrite eq_le; apply/andP; split.
    apply: osc_le => // i j; rewrite /dl; case: ifP => _; case: ifP => _;
      rewrite ?subrr ?subr0 ?sub0r ?lexx ?D0 //.
    by apply: (@le_trans _ _ 0); rewrite ?oppr_le0.
  by have := osc_ge dl 0 1; rewrite /dl /= subr0.
set y := expR (Delta / 2%:R); have y0 : 0 < y by apply: expR_gt0.
have y1 : 1 <= y.
  have : expR 0 <= y by rewrite ler_expR; apply: divr_ge0; rewrite ?ler0n.
  by rewrite expR0.
have sum2 (F : 'I_2 -> R) : \sum_i F i = F 0 + F 1.
  by rewrite big_ord_recl big_ord1; congr (_ + F _); apply: val_inj.
have yy : expR Delta = y * y by rewrite -expRD -splitr.
have z0 : softmax z 0 = 1 / (1 + y) by rewrite /softmax sum2 /z /= expR0.
have z1 : softmax z 1 = y / (1 + y) by rewrite /softmax sum2 /z /= expR0.
have s0 : 0 < 1 + y by apply: addr_gt0; rewrite ?ltr01.
have yn : y <> 0 by apply/eqP; rewrite gt_eqF.
have sn : 1 + y <> 0 by apply/eqP; rewrite gt_eqF.
have fact : y * y + y = y * (1 + y) by mring R.
have w0 : softmax (fun i => z i + dl i) 0 = y / (1 + y).
  rewrite /softmax sum2 /z /dl /= add0r addr0 yy -/y fact.
  by mfield R; repeat split.
have w1 : softmax (fun i => z i + dl i) 1 = 1 / (1 + y).
  rewrite /softmax sum2 /z /dl /= add0r addr0 yy -/y fact.
  by mfield R; repeat split.
have pos : 0 <= y / (1 + y) - 1 / (1 + y).
  by rewrite -mulrBl; apply: divr_ge0; [rewrite subr_ge0 | apply: ltW].
rewrite /tv sum2 z0 z1 w0 w1 tanhE -/y -[`|1 / _ - _|]normrN opprB (ger0_norm pos).
by rewrite mulrDl -splitr -mulrBl [1 + y]addrC.
Qed.

End Sharp.
