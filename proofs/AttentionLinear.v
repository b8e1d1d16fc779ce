(* AD-3 linearised and its tightness, and the multiplicative bound AD-6.  Of the
   exponential only e^x >= 1 + x and e^(x+y) = e^x e^y are used. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import mathcomp_extra.
From mathcomp.analysis Require Import reals topology normedtype derive sequences exp.
From Routegauge Require Import FieldTactics InnerProduct OneBit AttentionDistortion.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Import numFieldNormedType.Exports.
Local Open Scope ring_scope.

Section Tanh.
Variable R : realType.
Add Field tanh_field : (mc_field_theory R).
Implicit Types x v : R.

Lemma exp_lower x : 0 <= x -> 1 - x <= expR (- x).
Proof.
rewrite le_eqVlt => /orP[/eqP <-|x0]; first by rewrite oppr0 addr0 expR0.
have neg : - x < 0 by rewrite oppr_lt0.
have [c cI e] : exists2 c, c \in `]- x, 0[%R & expR 0 - expR (- x) = expR c * (0 - - x).
  apply: MVT => //.
  by apply/continuous_subspaceT => ?; exact: continuous_expR.
have c1 : expR c <= 1 by rewrite -(expR0 R) ler_expR; move: cI; rewrite in_itv /= => /andP[_ /ltW].
have := ler_wpmul2r (ltW x0) c1; rewrite mul1r; move: e; rewrite expR0 sub0r opprK => <-.
by rewrite ler_subl_addr addrC -ler_subl_addr.
Qed.

Lemma tanh_exp x : tanh x = (expR (x + x) - 1) / (expR (x + x) + 1).
Proof.
have u0 : 0 < expR x by exact: expR_gt0.
rewrite /tanh expRN expRD; move: (expR x) u0 => u u0.
have un : u <> 0 by apply/eqP; rewrite gt_eqF.
have s1 : u * u + 1 <> 0.
  by apply/eqP; rewrite gt_eqF // ltr_paddl ?ltr01 // mulr_ge0 ?ltW.
by mfield R; repeat split.
Qed.

Lemma exp_ge1 x : 0 <= x -> 1 <= expR x.
Proof. by move=> x0; rewrite -(expR0 R) ler_expR. Qed.

Lemma tanh_ge0 x : 0 <= x -> 0 <= tanh x.
Proof.
move=> x0; rewrite tanh_exp divr_ge0 //; first by rewrite subr_ge0 exp_ge1 ?addr_ge0.
by rewrite addr_ge0 ?ler01 // ltW ?expR_gt0.
Qed.

Lemma tanh_double v : 0 <= v -> tanh (v + v) <= 2%:R * tanh v.
Proof.
move=> v0; rewrite !tanh_exp [expR (v + v + _)]expRD; move: (exp_ge1 (addr_ge0 v0 v0)).
move: (expR (v + v)) => w w1; have w0 : 0 < w by apply: lt_le_trans w1; rewrite ltr01.
have p1 : 0 < w + 1 by rewrite addr_gt0 ?ltr01.
have p2 : 0 < w * w + 1 by rewrite addr_gt0 ?mulr_gt0 ?ltr01.
rewrite -subr_ge0.
have -> : 2%:R * ((w - 1) / (w + 1)) - (w * w - 1) / (w * w + 1) =
    (w - 1) ^+ 2 * (w - 1) / ((w + 1) * (w * w + 1)).
  by mfield R; split; apply/eqP; rewrite gt_eqF.
by rewrite divr_ge0 ?mulr_ge0 ?sqr_ge0 ?subr_ge0 // ltW.
Qed.

Lemma tanh_small v : 0 <= v -> v < 1 -> v / (1 + 2%:R * v) <= tanh v <= v / (1 - v).
Proof.
move=> v0 v1; have e0 : 0 < expR (- (v + v)) by exact: expR_gt0.
have E : tanh v = (1 - expR (- (v + v))) / (1 + expR (- (v + v))).
  rewrite tanh_exp expRN; move: (expR (v + v)) (expR_gt0 (v + v)) => w w0.
  have wn : w <> 0 by apply/eqP; rewrite gt_eqF.
  have w1 : w + 1 <> 0 by apply/eqP; rewrite gt_eqF // addr_gt0 ?ltr01.
  have w2 : 1 + w <> 0 by rewrite addrC.
  by mfield R; repeat split.
have lo : 1 - (v + v) <= expR (- (v + v)) by apply: exp_lower; apply: addr_ge0.
have le1 : expR (- (v + v)) <= 1 by rewrite -(expR0 R) ler_expR oppr_le0 addr_ge0.
have hi : expR (- (v + v)) <= (1 + 2%:R * v)^-1.
  rewrite expRN lef_pinv ?posrE ?expR_gt0 ?ltr_spaddl ?ltr01 ?mulr_ge0 ?ler0n //.
  by rewrite mulr_natl mulr2n; apply: expR_ge1Dx; apply: addr_ge0.
rewrite E; move: (expR (- (v + v))) e0 lo hi le1 => x x0 lo hi le1.
have p1 : 0 < 1 + 2%:R * v by rewrite ltr_spaddl ?ltr01 ?mulr_ge0 ?ler0n.
have p2 : 0 < 1 - v by rewrite subr_gt0.
have p3 : 0 < 1 + x by rewrite addr_gt0 ?ltr01.
apply/andP; split.
  apply: (@le_trans _ _ ((1 - x) / 2%:R)); last first.
    rewrite ler_wpmul2l ?subr_ge0 // lef_pinv ?posrE ?ltr0n //.
    by rewrite -[2%:R]/(1 + 1) ler_add2l.
  rewrite ler_pdivl_mulr ?ltr0n // ler_subr_addr -ler_subr_addl.
  apply: le_trans hi _; rewrite -subr_ge0.
  have -> : 1 - v / (1 + 2%:R * v) * 2%:R - (1 + 2%:R * v)^-1 = 0; last by [].
  by mfield R; apply/eqP; rewrite gt_eqF.
rewrite ler_pdivr_mulr // -subr_ge0.
have -> : v / (1 - v) * (1 + x) - (1 - x) = (x - (1 - (v + v))) / (1 - v).
  by mfield R; apply/eqP; rewrite gt_eqF.
by rewrite divr_ge0 ?subr_ge0 // ltW.
Qed.

Lemma tanh_le x : 0 <= x -> tanh x <= x.
Proof.
move=> x0; rewrite leNgt; apply/negP => lt_x.
have dbl n : tanh x <= 2%:R ^+ n * tanh (x / 2%:R ^+ n).
  elim: n => [|n IH]; first by rewrite expr0 divr1 mul1r.
  apply: le_trans IH _; rewrite exprSr -mulrA ler_wpmul2l ?exprn_ge0 ?ler0n //.
  have h0 : 0 <= x / (2%:R ^+ n * 2%:R) by rewrite divr_ge0 ?mulr_ge0 ?exprn_ge0 ?ler0n.
  have := tanh_double h0; congr (tanh _ <= _).
  by rewrite invfM mulrA -splitr.
have tp : 0 < tanh x - x by rewrite subr_gt0.
pose n := Num.bound (x * tanh x / (tanh x - x) + x).
have q0 : 0 <= x * tanh x / (tanh x - x).
  by apply: divr_ge0; [apply: mulr_ge0; rewrite ?tanh_ge0 | apply: ltW].
have big : x * tanh x / (tanh x - x) + x < 2%:R ^+ n.
  apply: lt_le_trans (archi_boundP _) _; first by rewrite addr_ge0.
  by rewrite -natrX ler_nat ltnW // ltn_expl.
have N0 : 0 < 2%:R ^+ n :> R by rewrite exprn_gt0 ?ltr0n.
have xN : x < 2%:R ^+ n by apply: le_lt_trans big; rewrite ler_addr.
have v1 : x / 2%:R ^+ n < 1 by rewrite ltr_pdivr_mulr // mul1r.
have v0 : 0 <= x / 2%:R ^+ n by rewrite divr_ge0 // ltW.
have /andP[_ up] := tanh_small v0 v1.
have := le_trans (dbl n) (ler_wpmul2l (ltW N0) up).
have -> : 2%:R ^+ n * (x / 2%:R ^+ n / (1 - x / 2%:R ^+ n)) = x / (1 - x / 2%:R ^+ n).
  by rewrite mulrA mulrCA divff ?mulr1 // gt_eqF.
rewrite ler_pdivl_mulr ?subr_gt0 // => h.
have : 2%:R ^+ n <= x * tanh x / (tanh x - x).
  rewrite ler_pdivl_mulr // -subr_ge0; move: (2%:R ^+ n) (tanh x) N0 h => D T D0 h.
  have -> : x * T - D * (T - x) = D * (x - T * (1 - x / D)).
    by mfield R; apply/eqP; rewrite gt_eqF.
  by rewrite mulr_ge0 ?subr_ge0 // ltW.
by rewrite leNgt => /negP; apply; apply: le_lt_trans big; rewrite ler_addl.
Qed.

End Tanh.

Section Linear.
Variables (R : realType) (n d dv : nat).
Hypothesis n0 : (0 < n)%N.
Hypothesis d0 : (0 < d)%N.
Variables (q : 'cV[R]_d) (k k' : 'I_n -> 'cV[R]_d) (v v' : 'I_n -> 'cV[R]_dv).
Add Field linear_field : (mc_field_theory R).

(* AD-3. (f) Linearised: with value errors at most eV, key errors at most eK and
   values at most vmax (entry by entry), no output moves by more than
   eV + |q|_1 / sqrt d eK vmax. *)
Theorem AD_3_f_linear_form (eV eK vmax : R) chi :
  (forall i, `|v' i chi 0 - v i chi 0| <= eV) -> 0 <= eK ->
  (forall i a, `|(k' i - k i) a 0| <= eK) -> (forall i, `|v i chi 0| <= vmax) ->
  `|output q k' v' chi - output q k v chi| <= eV + l1 q / Num.sqrt d%:R * eK * vmax.
Proof.
move=> hV K0 hK hv; have s0 : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0 ltr0n.
have v0 : 0 <= vmax by apply: le_trans (hv (Ordinal n0)).
have oV : osc (fun i => v i chi 0) <= 2%:R * vmax.
  apply: osc_le => [|i j]; first by rewrite mulr_ge0 ?ler0n.
  rewrite mulr_natl mulr2n; apply: ler_add; first exact: le_trans (ler_norm _) (hv i).
  by apply: le_trans (hv j); rewrite -normrN ler_norm.
apply: le_trans (AD_3_c_sup_bound n0 q k k' hV oV) _; rewrite ler_add2l.
have od0 : 0 <= osc (delta q k k') by apply: osc_ge0.
have od4 : 0 <= osc (delta q k k') / 4%:R by rewrite divr_ge0 ?ler0n.
apply: le_trans (ler_wpmul2r _ (tanh_le od4)) _; first by rewrite mulr_ge0 ?ler0n.
have := AD_3_e_osc_entrywise d0 q K0 hK; move: (osc _) => o ho.
apply: (@le_trans _ _ (2%:R * l1 q * eK / Num.sqrt d%:R / 4%:R * (2%:R * vmax))).
  rewrite ler_wpmul2r ?mulr_ge0 ?ler0n // ler_wpmul2r ?invr_ge0 ?ler0n //.
rewrite le_eqVlt; apply/orP; left; apply/eqP.
have sn : Num.sqrt d%:R <> 0 :> R by apply/eqP; rewrite gt_eqF.
have n2 : 2%:R <> 0 :> R by apply/eqP; rewrite pnatr_eq0.
have -> : 4%:R = 2%:R * 2%:R :> R by rewrite -natrM.
move: (Num.sqrt _) (2%:R : R) sn n2 (l1 q) => s two sn n2 l.
by mfield R; split.
Qed.

(* AD-3. (g) A b-bit uniform quantiser on [-kap, kap] with L = 2^b - 1 steps errs by
   at most kap/L; for a query of norm sqrt d the key term is then at most
   C kap vmax with C = sqrt d / L. *)
Theorem AD_3_g_quantiser_constant (kap vmax L : R) : 0 <= kap -> 0 <= vmax -> 0 < L ->
  norm q = Num.sqrt d%:R ->
  l1 q / Num.sqrt d%:R * (kap / L) * vmax <= Num.sqrt d%:R / L * kap * vmax.
Proof.
move=> kap0 v0 L0 hq; have s0 : 0 < Num.sqrt d%:R :> R by rewrite sqrtr_gt0 ltr0n.
have l1q : l1 q <= Num.sqrt d%:R * Num.sqrt d%:R.
  rewrite -(@ler_pexpn2r _ 2) ?nnegrE ?l1_ge0 ?mulr_ge0 ?sqrtr_ge0 //.
  have := dot_ge0 (q - onebit q); rewrite onebit_energy // subr_ge0.
  rewrite ler_pdivr_mulr ?ltr0n // => h; apply: le_trans h _.
  rewrite -norm_sqr hq exprMn; move: (sqr_sqrtr (ler0n R d)) => ->; exact: lexx.
rewrite ler_wpmul2r // [X in _ <= X]mulrAC -[X in _ <= X]mulrA.
by rewrite ler_wpmul2r ?divr_ge0 ?(ltW L0) // ler_pdivr_mulr.
Qed.

(* AD-6. With exact values, for every channel and every offset b: the output moves
   by at most (e^osc - 1) times the attention-weighted mean of |v - b|. *)
Theorem AD_6_multiplicative_bound chi (b : R) :
  `|output q k' v chi - output q k v chi| <=
  (expR (osc (delta q k k')) - 1) * \sum_i softmax (scores q k) i * `|v i chi 0 - b|.
Proof.
set z := scores q k; set dl := delta q k k'; set o := osc dl.
pose p := softmax z; pose p' := softmax (fun i => z i + dl i).
have pE : softmax (scores q k') =1 p'.
  have sh j : scores q k' j = z j + dl j := scores_shift q k k' j.
  by move=> i; rewrite /softmax sh; congr (_ / _); apply: eq_bigr => j _; rewrite sh.
have -> : output q k' v chi - output q k v chi = \sum_i (p' i - p i) * (v i chi 0 - b).
  have -> : output q k' v chi = \sum_i p' i * v i chi 0.
    by apply: eq_bigr => i _; rewrite pE.
  rewrite -sumrB (eq_bigr (fun i => (p' i - p i) * (v i chi 0 - b) + (p' i - p i) * b)); last first.
    by move=> i _; rewrite -mulrDr subrK mulrBl.
  rewrite big_split /= -mulr_suml sumrB !(softmax_sum n0) subrr mul0r addr0 //.
rewrite mulr_sumr; apply: le_trans (ler_norm_sum _ _ _) _; apply: ler_sum => i _.
rewrite normrM mulrA ler_wpmul2r // -/(p i).
have p0 : 0 <= p i by apply: softmax_ge0.
have Z0 := sumexp_gt0 n0 z; have Z0' := sumexp_gt0 n0 (fun i => z i + dl i).
(* p' / p lies between e^-osc and e^osc. *)
pose w := p' i / p i.
have pp : 0 < p i by rewrite divr_gt0 ?expR_gt0.
have wE : w = expR (dl i) * (\sum_j expR (z j)) / \sum_j expR (z j + dl j).
  have aux (a c S S' : R) : 0 < a -> 0 < S -> 0 < S' -> a * c / S' / (a / S) = c * S / S'.
    move=> a0 S0 S0'; have an : a <> 0 by apply/eqP; rewrite gt_eqF.
    have Sn : S <> 0 by apply/eqP; rewrite gt_eqF.
    have Sn' : S' <> 0 by apply/eqP; rewrite gt_eqF.
    by mfield R; repeat split.
  by rewrite /w /p' /p /softmax expRD; apply: aux; rewrite ?expR_gt0.
have sumZ c : expR c * (\sum_j expR (z j)) = \sum_j expR (z j + c).
  by rewrite mulr_sumr; apply: eq_bigr => j _; rewrite expRD mulrC.
have up : w <= expR o.
  rewrite wE ler_pdivr_mulr // sumZ mulr_sumr; apply: ler_sum => j _.
  by rewrite -expRD ler_expR addrCA ler_add2l -ler_subl_addr osc_ge.
have lo : expR (- o) <= w.
  rewrite wE ler_pdivl_mulr // sumZ mulr_sumr; apply: ler_sum => j _.
  by rewrite -expRD ler_expR addrCA ler_add2l addrC ler_subl_addl -ler_subl_addr osc_ge.
have e1 : 1 <= expR o by apply: exp_ge1; apply: osc_ge0.
have -> : p' i - p i = (w - 1) * p i by rewrite mulrBl mul1r divfK ?gt_eqF.
rewrite normrM (ger0_norm p0) ler_wpmul2r // ler_norml; apply/andP; split; last first.
  by rewrite ler_sub.
apply: (@le_trans _ _ (expR (- o) - 1)); last by rewrite ler_sub.
rewrite expRN -subr_ge0; move: (expR o) e1 => y y1.
have y0 : 0 < y by apply: lt_le_trans y1; rewrite ltr01.
have -> : y^-1 - 1 - - (y - 1) = (y - 1) ^+ 2 / y by mfield R; apply/eqP; rewrite gt_eqF.
by rewrite divr_ge0 ?sqr_ge0 // ltW.
Qed.

(* AD-6. The mean absolute deviation is least at a weighted median m: one with at
   most as much weight above it as not above it, and the same below. *)
Theorem AD_6_b_weighted_median (p x : 'I_n -> R) (m : R) :
  \sum_(i | m < x i) p i <= \sum_(i | ~~ (m < x i)) p i ->
  \sum_(i | x i < m) p i <= \sum_(i | ~~ (x i < m)) p i ->
  (forall i, 0 <= p i) ->
  forall b, \sum_i p i * `|x i - m| <= \sum_i p i * `|x i - b|.
Proof.
move=> above below p0 b.
have key (B : pred 'I_n) (c : R) : 0 <= c ->
    \sum_(i | B i) p i <= \sum_(i | ~~ B i) p i ->
    (forall i, B i -> `|x i - m| - c <= `|x i - b|) ->
    (forall i, ~~ B i -> `|x i - m| + c <= `|x i - b|) ->
    \sum_i p i * `|x i - m| <= \sum_i p i * `|x i - b|.
  move=> c0 hB yes no; rewrite [X in X <= _](bigID B) [X in _ <= X](bigID B) /=.
  have l1 : \sum_(i | B i) p i * `|x i - m| - (\sum_(i | B i) p i) * c <=
            \sum_(i | B i) p i * `|x i - b|.
    rewrite mulr_suml -sumrB; apply: ler_sum => i Bi.
    by rewrite -mulrBr ler_wpmul2l ?yes.
  have l2 : \sum_(i | ~~ B i) p i * `|x i - m| + (\sum_(i | ~~ B i) p i) * c <=
            \sum_(i | ~~ B i) p i * `|x i - b|.
    rewrite mulr_suml -big_split; apply: ler_sum => i Bi /=.
    by rewrite -mulrDr ler_wpmul2l ?no.
  apply: le_trans (ler_add l1 l2); rewrite addrACA ler_addl addrC subr_ge0.
  exact: ler_wpmul2r.
have near i (c : R) : 0 <= c -> `|b - m| <= c -> `|x i - m| - c <= `|x i - b|.
  move=> _ bc; rewrite ler_subl_addr; apply: le_trans (ler_dist_add b _ _) _.
  by rewrite ler_add2l.
have [mb|bm] := lerP m b.
  apply: (key (fun i => m < x i) (b - m)); rewrite ?subr_ge0 // => i.
    by move=> _; apply: near; rewrite ?subr_ge0 // ger0_norm ?subr_ge0.
  rewrite -leNgt => xm; rewrite (distrC _ m) (distrC _ b) ger0_norm ?subr_ge0 //.
  by rewrite addrC addrA subrK ler_norm.
apply: (key (fun i => x i < m) (m - b)); rewrite ?subr_ge0 ?(ltW bm) // => i.
  by move=> _; apply: near; rewrite ?subr_ge0 ?(ltW bm) // distrC ger0_norm ?subr_ge0 ?(ltW bm).
rewrite -leNgt => mx; rewrite ger0_norm ?subr_ge0 //.
by rewrite addrA subrK ler_norm.
Qed.

End Linear.

Section Tight.
Variable R : realType.
Add Field tight_field : (mc_field_theory R).

Lemma scores_line n (z : 'I_n -> R) i :
  scores (const_mx 1 : 'cV[R]_1) (fun j => const_mx (z j)) i = z i.
Proof. by rewrite /scores /dot big_ord1 !mxE mul1r sqrtr1 divr1. Qed.

(* AD-3. (h) The bound by tanh is attained, for every spread of the score error:
   keys of dimension 1, exact values, of spread 1. *)
Theorem AD_3_h_tight (Delta : R) : 0 <= Delta ->
  exists (q : 'cV[R]_1) (k k' v : 'I_2 -> 'cV[R]_1),
  [/\ osc (delta q k k') = Delta, osc (fun i => v i 0 0) = 1 &
      `|output q k' v 0 - output q k v 0| =
        tanh (osc (delta q k k') / 4%:R) * osc (fun i => v i 0 0)].
Proof.
move=> D0; have [z [dl [oD tvE]]] := AD_2_b_sharp D0.
pose p := softmax z; pose p' := softmax (fun i => z i + dl i).
pose q : 'cV[R]_1 := const_mx 1; pose k i : 'cV[R]_1 := const_mx (z i).
pose k' i : 'cV[R]_1 := const_mx (z i + dl i).
pose v (i : 'I_2) : 'cV[R]_1 := const_mx (i == 0)%:R.
have sum2 (F : 'I_2 -> R) : \sum_i F i = F 0 + F 1.
  by rewrite big_ord_recl big_ord1; congr (_ + F _); apply: val_inj.
have dE : delta q k k' =1 dl.
  move=> i; have := scores_shift q k k' i; rewrite /k /k' !scores_line => e.
  by apply: (addrI (z i)).
have oE : osc (delta q k k') = Delta.
  by rewrite -oD; apply: eq_bigr => ij _; rewrite !dE.
have ov : osc (fun i => v i 0 0) = 1.
  apply/eqP; rewrite eq_le; apply/andP; split; last first.
    by have := osc_ge (fun i => v i 0 0) 0 1; rewrite !mxE /= subr0.
  apply: osc_le => [|i j]; first exact: ler01.
  rewrite !mxE; case: (i == 0); case: (j == 0); rewrite ?subrr ?subr0 ?sub0r ?ler01 //.
  by apply: (@le_trans _ _ 0); rewrite ?oppr_le0 ler01.
exists q, k, k', v; split=> //.
have outE (y : 'I_2 -> R) : output q (fun i => const_mx (y i)) v 0 = softmax y 0.
  rewrite /output sum2 !mxE /= mulr1 mulr0 addr0 /softmax scores_line; congr (_ / _).
  by apply: eq_bigr => j _; rewrite scores_line.
have one (y : 'I_2 -> R) : softmax y 1 = 1 - softmax y 0.
  have := softmax_sum (isT : (0 < 2)%N) y; rewrite sum2 => <-.
  by rewrite addrAC subrr add0r.
rewrite !outE ov mulr1 oE -tvE /tv sum2 !one -/p -/p'.
have -> : 1 - p' 0 - (1 - p 0) = - (p' 0 - p 0) by mring R.
by rewrite normrN -mulr2n -[_ *+ 2]mulr_natr mulfK ?pnatr_eq0.
Qed.

(* AD-3. (i) Nor can the linear bound carry any constant below 1: two keys that
   trade places by a small e, values 1 and -1. *)
Theorem AD_3_i_linear_tight (c : R) : 0 <= c < 1 ->
  exists (q : 'cV[R]_1) (k k' v : 'I_2 -> 'cV[R]_1) (e : R),
  [/\ 0 < e, forall i a, `|(k' i - k i) a 0| = e, forall i, `|v i 0 0| = 1 &
      c * (l1 q / Num.sqrt 1%:R * e * 1) < `|output q k' v 0 - output q k v 0|].
Proof.
case/andP=> c0 c1; pose e : R := (1 - c) / 2%:R.
have e0 : 0 < e by rewrite divr_gt0 ?subr_gt0 ?ltr0n.
have e1 : e <= 1 / 2%:R by rewrite ler_wpmul2r ?invr_ge0 ?ler0n // ger_addl oppr_le0.
pose x := e / 2%:R; have x0 : 0 < x by rewrite divr_gt0 ?ltr0n.
pose sg (i : 'I_2) : R := if i == 0 then 1 else -1.
pose q : 'cV[R]_1 := const_mx 1.
pose k i : 'cV[R]_1 := const_mx (- (sg i * x)); pose k' i : 'cV[R]_1 := const_mx (sg i * x).
pose v i : 'cV[R]_1 := const_mx (sg i).
have sum2 (F : 'I_2 -> R) : \sum_i F i = F 0 + F 1.
  by rewrite big_ord_recl big_ord1; congr (_ + F _); apply: val_inj.
have asg i : `|sg i| = 1 by rewrite /sg; case: ifP; rewrite ?normrN normr1.
exists q, k, k', v, e; split=> // [i a|i|].
- rewrite !mxE opprK -mulr2n -[_ *+ 2]mulr_natr normrM normrM asg mul1r.
  by rewrite (gtr0_norm x0) ger0_norm ?ler0n // /x divfK // pnatr_eq0.
- by rewrite mxE.
have outE (y : 'I_2 -> R) : output q (fun i => const_mx (y i)) v 0 =
    (expR (y 0) - expR (y 1)) / (expR (y 0) + expR (y 1)).
  rewrite /output sum2 /softmax !sum2 !scores_line !mxE /sg /= mulr1 mulrN1.
  by rewrite mulrBl.
have o' : output q k' v 0 = tanh x.
  by rewrite outE /sg /= mul1r mulN1r.
have o : output q k v 0 = - tanh x.
  rewrite outE /sg /= mul1r mulN1r opprK /tanh; move: (expR x) (expR (- x)) => a b.
  by rewrite -[in RHS]mulNr opprB [b + a]addrC.
rewrite o o' opprK; have x1 : x < 1.
  rewrite ltr_pdivr_mulr ?ltr0n // mul1r; apply: le_lt_trans e1 _.
  by rewrite ltr_pdivr_mulr ?ltr0n // -natrM ltr1n.
have /andP[low _] := tanh_small (ltW x0) x1.
have t0 : 0 <= tanh x by apply: tanh_ge0; apply: ltW.
rewrite ger0_norm ?addr_ge0 // sqrtr1 divr1 mulr1 /l1 big_ord1 mxE normr1 mul1r.
apply: lt_le_trans (ler_add low low).
have e2 : x + x = e by rewrite -splitr.
have x2 : 2%:R * x = e by rewrite mulr_natl mulr2n.
rewrite x2 -mulrDl e2 ltr_pdivl_mulr; last by rewrite addr_gt0 ?ltr01.
rewrite mulrAC -[X in _ < X]mul1r ltr_pmul2r // -subr_gt0.
have -> : 1 - c * (1 + e) = (1 - c) ^+ 2 / 2%:R + (1 - c) / 2%:R.
  have n2 : 2%:R <> 0 :> R by apply/eqP; rewrite pnatr_eq0.
  rewrite /e; mfield R; exact: n2.
apply: ltr_paddl; first by rewrite divr_ge0 ?sqr_ge0 ?ler0n.
by rewrite divr_gt0 ?subr_gt0 ?ltr0n.
Qed.

End Tight.
