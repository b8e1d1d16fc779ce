(* RG-5 to RG-9: stability of the top-k set under perturbed logits, how far the input
   of a gate may move, and jumps at a swap of experts. *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.analysis Require Import reals sequences exp.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* RG-5 and RG-7: perturbed logits. *)
Section Margins.
Variables (R : realFieldType) (E k : nat).
Implicit Types (s d : 'cV[R]_E) (T : {set 'I_E}).
Add Field margins_field : (mc_field_theory R).

(* RG-5. (a) Half the set margin is a safe sup-norm radius: below it T stays the
   strict top-k set, hence the choice of every top-k rule. *)
Theorem RG_5_a_margin_stability (TopK : 'cV[R]_E -> {set 'I_E}) s d T (mu : R) :
  topk_rule k TopK -> #|T| = k ->
  (forall i j, i \in T -> j \notin T -> mu <= s i 0 - s j 0) ->
  (forall e, `|d e 0| < mu / 2%:R) ->
  is_strict_topk k (s + d) T /\ TopK (s + d) = TopK s.
Proof.
move=> hTop cT hm hd.
have st : is_strict_topk k (s + d) T.
  split=> // i j iT jT; rewrite !mxE -subr_gt0.
  have -> : s i 0 + d i 0 - (s j 0 + d j 0) = (s i 0 - s j 0) - (d j 0 - d i 0).
    by mring R.
  rewrite subr_gt0; apply: lt_le_trans (hm _ _ iT jT).
  rewrite (splitr mu); apply: ltr_le_add; first exact: le_lt_trans (ler_norm _) (hd j).
  by apply: ltW; apply: le_lt_trans (hd i); rewrite -normrN ler_norm.
split=> //; rewrite (topk_rule_strict hTop st); apply/esym/(topk_rule_strict hTop).
split=> // i j iT jT; rewrite -subr_gt0; apply: lt_le_trans (hm _ _ iT jT).
rewrite (splitr mu) addr_gt0 //; first exact: le_lt_trans (normr_ge0 (d i 0)) (hd i).
exact: le_lt_trans (normr_ge0 (d i 0)) (hd i).
Qed.

(* RG-5. (b) The constant one half is best: if the margin mu is attained by a
   pair, every larger radius admits a perturbation that evicts a member. *)
Theorem RG_5_b_half_is_best s T (mu r : R) i j :
  i \in T -> j \notin T -> s i 0 - s j 0 = mu -> 0 < mu -> mu / 2%:R < r ->
  exists d, (forall e, `|d e 0| <= r) /\ ~ is_topk k (s + d) T.
Proof.
move=> iT jT hmu mu0 hr.
have r0 : 0 < r by apply: lt_trans hr; rewrite divr_gt0 ?ltr0n.
exists (\col_e (if e == i then - r else if e == j then r else 0)); split.
  by move=> e; rewrite mxE; do 2?case: ifP => _; rewrite ?normrN ?normr0 ?(gtr0_norm r0) // ltW.
case=> _ /(_ i j iT jT); rewrite !mxE eqxx.
have -> : (j == i) = false by apply: contraNF jT => /eqP ->.
rewrite eqxx -subr_ge0.
have -> : s i 0 - r - (s j 0 + r) = (s i 0 - s j 0) - (r + r).
  by mring R.
rewrite hmu subr_ge0 leNgt; case/negP.
by rewrite {1}(splitr mu) ltr_add.
Qed.

(* RG-5. (c) Exact criterion: T is the strict top-k set after the perturbation
   (for k = |T|) exactly when no pair has closed its gap. *)
Theorem RG_5_c_exact_criterion s d T : #|T| = k ->
  is_strict_topk k (s + d) T <->
  (forall i j, i \in T -> j \notin T -> d j 0 - d i 0 - (s i 0 - s j 0) < 0).
Proof.
move=> cT; have e i j : d j 0 - d i 0 - (s i 0 - s j 0) = (s + d) j 0 - (s + d) i 0.
  have aux (a b c f : R) : b - a - (c - f) = f + b - (c + a) by mring R.
  by rewrite !mxE; exact: aux.
split=> [[_ h] i j iT jT|h]; first by rewrite e subr_lt0 h.
by split=> // i j iT jT; rewrite -subr_lt0 -e h.
Qed.

(* RG-7. Members of T whose lead over every outsider exceeds twice the sup-norm
   of the perturbation stay; so they bound the overlap from below. *)
Theorem RG_7_overlap_lower_bound s d T T' (eps : R) :
  is_topk k s T -> is_topk k (s + d) T' -> (forall e, `|d e 0| <= eps) ->
  (#|[set i in T | [forall j, (j \notin T) ==> (eps *+ 2 < s i 0 - s j 0)%R]]|
     <= #|T :&: T'|)%N.
Proof.
case=> cT hT [cT' hT'] hd; apply: subset_leq_card; apply/subsetP => i.
rewrite !inE => /andP[iT /forallP hi]; rewrite iT /=; apply: contraT => iT'.
have sub : T' \subset T.
  apply/subsetP => l lT'; apply: contraT => lT.
  have := hi l; rewrite lT /= => gap.
  have := hT' l i lT' iT'; rewrite !mxE leNgt => /negP[].
  rewrite -subr_gt0.
  have -> : s i 0 + d i 0 - (s l 0 + d l 0) = (s i 0 - s l 0) - (d l 0 - d i 0).
    by mring R.
  rewrite subr_gt0; apply: le_lt_trans gap; rewrite mulr2n; apply: ler_add.
    exact: le_trans (ler_norm _) (hd l).
  by apply: le_trans (hd i); rewrite -normrN ler_norm.
have /eqP eT : T' == T by rewrite eqEcard sub cT cT' leqnn.
by move: iT'; rewrite eT iT.
Qed.

End Margins.

(* RG-6: how far the input of a linear gate may move. *)
Section Radius.
Variables (R : rcfType) (D E k : nat).
Implicit Types (G : 'M[R]_(E, D)) (y v : 'cV[R]_D) (b : 'cV[R]_E) (T : {set 'I_E}).
Add Field radius_field : (mc_field_theory R).

Definition row_diff G i j : 'cV[R]_D := (row i G - row j G)^T.

Lemma row_diffE G y i j : (G *m y) i 0 - (G *m y) j 0 = dot (row_diff G i j) y.
Proof.
rewrite /dot !mxE -sumrB; apply: eq_bigr => l _.
by rewrite !mxE mulrBl.
Qed.

(* RG-6. (a) If r |G_i - G_j| <= s_i - s_j for every i in T, j outside, with
   s = G y + b and positive gaps, every input closer than r keeps T. *)
Theorem RG_6_a_radius_is_safe G y b T (r : R) v : #|T| = k ->
  (forall i j, i \in T -> j \notin T ->
     0 < (G *m y + b) i 0 - (G *m y + b) j 0 /\
     r * norm (row_diff G i j) <= (G *m y + b) i 0 - (G *m y + b) j 0) ->
  norm v < r -> is_strict_topk k (G *m (y + v) + b) T.
Proof.
move=> cT h vr; split=> // i j iT jT; have [gap hr] := h i j iT jT.
rewrite -subr_gt0 mulmxDr.
have aux (a c e a' c' e' : R) : a + c + e - (a' + c' + e') = (a + e - (a' + e')) + (c - c').
  by mring R.
rewrite (_ : _ - _ = (G *m y + b) i 0 - (G *m y + b) j 0 + dot (row_diff G i j) v); last first.
  by rewrite -row_diffE !mxE; exact: aux.
rewrite -[dot _ v]opprK subr_gt0; apply: le_lt_trans (ler_norm _) _; rewrite normrN.
apply: le_lt_trans (cauchy_schwarz _ _) _.
have [->|g0] := eqVneq (norm (row_diff G i j)) 0; first by rewrite mul0r.
apply: lt_le_trans hr; rewrite mulrC ltr_pmul2r //.
by rewrite lt_def g0 norm_ge0.
Qed.

(* RG-6. (b) The radius is exact: if a pair attains it, moving by any factor
   c > 1 further along its normal makes the outsider overtake. *)
Theorem RG_6_b_radius_is_exact G y b T (r c : R) i j :
  i \in T -> j \notin T -> 0 < r -> 1 < c ->
  row_diff G i j != 0 ->
  (G *m y + b) i 0 - (G *m y + b) j 0 = r * norm (row_diff G i j) ->
  exists v, norm v = c * r /\ ~ is_topk k (G *m (y + v) + b) T.
Proof.
move=> iT jT r0 c1 g0 hr; set g := row_diff G i j in g0 hr *.
have n0 : 0 < norm g by rewrite norm_gt0.
have c0 : 0 < c by apply: lt_trans c1.
exists (- (c * r / norm g) *: g); split.
  rewrite normZ normrN gtr0_norm ?divr_gt0 ?mulr_gt0 //.
  by rewrite divfK // gt_eqF.
case=> _ /(_ i j iT jT); rewrite leNgt => /negP; apply; rewrite -subr_lt0.
have aux (a d e a' d' e' : R) : a + d + e - (a' + d' + e') = (a + e - (a' + e')) + (d - d').
  by mring R.
set v := _ *: g; rewrite mulmxDr.
rewrite (_ : _ - _ = (G *m y + b) i 0 - (G *m y + b) j 0 + dot g v); last first.
  by rewrite -row_diffE !mxE; exact: aux.
rewrite hr /v dotZr -norm_sqr expr2 mulNr mulrA divfK ?gt_eqF // -mulrBl.
by rewrite pmulr_llt0 // subr_lt0 ltr_pmull.
Qed.

(* RG-6. (c) Without router bias and with RMSNorm in front the radius computed
   with the gains absorbed is safe in the residual itself, for every epsilon. *)
Theorem RG_6_c_radius_in_residual (TopK : 'cV[R]_E -> {set 'I_E}) (W : 'M[R]_(E, D))
    (g : 'cV[R]_D) (eps r : R) x v T :
  topk_rule k TopK -> scale_invariant TopK -> 0 <= eps -> #|T| = k ->
  (forall i j, i \in T -> j \notin T ->
     let s := W *m diag_mx g^T *m x in
     0 < s i 0 - s j 0 /\ r * norm (row_diff (W *m diag_mx g^T) i j) <= s i 0 - s j 0) ->
  norm v < r ->
  TopK (W *m rmsnorm eps g x) = T /\ TopK (W *m rmsnorm eps g (x + v)) = T.
Proof.
move=> hTop hscale e0 cT h vr; rewrite !(topk_rmsnorm hscale) //.
split; apply: (topk_rule_strict hTop).
  by split=> // i j iT jT; have [] := h i j iT jT; rewrite subr_gt0.
rewrite -[W *m _ *m _]addr0; apply: RG_6_a_radius_is_safe vr => // i j iT jT.
by rewrite !addr0; apply: h.
Qed.

(* RG-6. (d) Selection by phi(s) + b with a 1/4-Lipschitz phi (the sigmoid):
   lower bound with (|G_i| + |G_j|)/4. *)
Theorem RG_6_d_sigmoid_with_bias G y v (b : 'cV[R]_E) (phi : R -> R) T : #|T| = k ->
  (forall a c, `|phi a - phi c| <= `|a - c| / 4%:R) ->
  let t (z : 'cV[R]_D) : 'cV[R]_E := \col_e (phi ((G *m z) e 0) + b e 0) in
  (forall i j, i \in T -> j \notin T ->
     norm v * ((norm (row i G)^T + norm (row j G)^T) / 4%:R) < t y i 0 - t y j 0) ->
  is_strict_topk k (t (y + v)) T.
Proof.
move=> cT lip t h; split=> // i j iT jT; rewrite -subr_gt0.
have move_le e : `|phi ((G *m (y + v)) e 0) - phi ((G *m y) e 0)| <= norm v * (norm (row e G)^T / 4%:R).
  apply: le_trans (lip _ _) _; rewrite mulrA ler_pmul2r ?invr_gt0 ?ltr0n //.
  rewrite mulmxDr [(_ + _ : 'cV_E) e 0]mxE addrAC subrr add0r mulrC.
  have -> : (G *m v) e 0 = dot (row e G)^T v.
    by rewrite /dot mxE; apply: eq_bigr => l _; rewrite !mxE.
  exact: cauchy_schwarz.
have := h i j iT jT; rewrite -subr_gt0; move/lt_le_trans; apply.
have := move_le i; have := move_le j; rewrite !ler_norml => /andP[_ hj] /andP[hi _].
have tE z e : t z e 0 = phi ((G *m z) e 0) + b e 0 by rewrite /t [LHS]mxE.
rewrite !tE -subr_ge0.
move: hi hj; set pi := phi ((G *m (y + v)) i 0); set pj := phi ((G *m (y + v)) j 0).
set qi := phi ((G *m y) i 0); set qj := phi ((G *m y) j 0) => hi hj.
have aux (ni nj nv f : R) : pi + b i 0 - (pj + b j 0) -
   (qi + b i 0 - (qj + b j 0) - nv * ((ni + nj) / f)) =
   (pi - qi - - (nv * (ni / f))) + (nv * (nj / f) - (pj - qj)) by mring R.
rewrite [X in 0 <= X](aux (norm (row i G)^T) (norm (row j G)^T) (norm v) 4%:R).
by rewrite addr_ge0 // subr_ge0.
Qed.

(* RG-6. (e) With set margin m and all distances of rows at most M the radius is
   at least m / M; so every input closer than m / M keeps T. *)
Theorem RG_6_e_radius_from_margin G y b T (m M : R) : #|T| = k -> 0 < m -> 0 < M ->
  (forall i j, i \in T -> j \notin T -> m <= (G *m y + b) i 0 - (G *m y + b) j 0) ->
  (forall i j, norm (row_diff G i j) <= M) ->
  (forall i j, i \in T -> j \notin T -> row_diff G i j != 0 ->
     m / M <= ((G *m y + b) i 0 - (G *m y + b) j 0) / norm (row_diff G i j)) /\
  forall v, norm v < m / M -> is_strict_topk k (G *m (y + v) + b) T.
Proof.
move=> cT m0 M0 gap hM; split=> [i j iT jT g0|v].
  have n0 : 0 < norm (row_diff G i j) by rewrite norm_gt0.
  rewrite ler_pdivl_mulr // mulrAC ler_pdivr_mulr //.
  by apply: ler_pmul; rewrite ?(ltW m0) ?norm_ge0 ?gap ?hM.
apply: RG_6_a_radius_is_safe => // i j iT jT; split; first exact: lt_le_trans (gap i j iT jT).
apply: le_trans (gap i j iT jT); rewrite mulrAC ler_pdivr_mulr //.
by rewrite ler_pmul2l.
Qed.

End Radius.

(* RG-8: outputs f_T = sum over T of w_e E_e.  At a tie s_i = s_j the one-sided
   limits are the two formulas evaluated at the tie, which is what we compare
   (the catalogue speaks of limits; here continuity is not needed). *)
Section Jump.
Variables (R : realFieldType) (n E : nat) (phi : R -> R) (s : 'I_E -> R).
Variable (out : 'I_E -> 'cV[R]_n).
Implicit Types (T : {set 'I_E}) (w : 'I_E -> R).
Add Field jump_field : (mc_field_theory R).

Definition mixture w T : 'cV[R]_n := \sum_(e in T) w e *: out e.
Definition swap T i j := j |: T :\ i.

(* Weights without selection bias: phi(s_e) over the sum of phi over a pool,
   the pool being all experts (full softmax) or the selected set. *)
Definition gate (pool : {set 'I_E}) e : R := phi (s e) / \sum_(l in pool) phi (s l).

Lemma big_swap (V : zmodType) (F : 'I_E -> V) T i j : i \in T -> j \notin T ->
  \sum_(e in T) F e = F i + \sum_(e in T :\ i) F e /\
  \sum_(e in swap T i j) F e = F j + \sum_(e in T :\ i) F e.
Proof.
move=> iT jT; split; first by rewrite (big_setD1 i).
by rewrite big_setU1 // !inE negb_and jT orbT.
Qed.

(* RG-8. (a) Full softmax: the jump at a tie is the common weight times the
   difference of the two outputs. *)
Theorem RG_8_a_jump_full T i j : i \in T -> j \notin T -> s i = s j ->
  mixture (gate setT) T - mixture (gate setT) (swap T i j) =
  gate setT i *: (out i - out j).
Proof.
move=> iT jT sij.
have [e1 e2] := big_swap (fun e => gate setT e *: out e) iT jT.
rewrite /mixture e1 e2 opprD addrACA subrr addr0 scalerBr; congr (_ - _ *: _).
by rewrite /gate sij.
Qed.

(* RG-8. (b) The same with weights renormalised over the selected set. *)
Theorem RG_8_b_jump_renormalised T i j : i \in T -> j \notin T -> s i = s j ->
  mixture (gate T) T - mixture (gate (swap T i j)) (swap T i j) =
  gate T i *: (out i - out j).
Proof.
move=> iT jT sij.
have [n1 n2] := big_swap (fun e => phi (s e)) iT jT.
have gE e : gate (swap T i j) e = gate T e by rewrite /gate n1 n2 sij.
have [e1 e2] := big_swap (fun e => gate T e *: out e) iT jT.
rewrite /mixture [X in _ - X](eq_bigr (fun e => gate T e *: out e)); last first.
  by move=> e _; rewrite gE.
rewrite e1 e2 opprD addrACA subrr addr0 scalerBr; congr (_ - _ *: _).
by rewrite /gate sij.
Qed.

(* RG-8. (c) As the smallest of the pool's first k (k+1) weights, w is at most
   1/k (renormalised), 1/(k+1) (full). *)
Theorem RG_8_c_weight_bounds T i j k : (forall e, 0 < phi (s e)) ->
  #|T| = k -> i \in T -> j \notin T -> s i = s j ->
  (forall e, e \in T -> phi (s i) <= phi (s e)) ->
  gate T i <= k%:R^-1 /\ gate setT i <= k.+1%:R^-1.
Proof.
move=> pos cT iT jT sij least.
have bound (A pool : {set 'I_E}) : i \in A -> A \subset pool ->
    (forall e, e \in A -> phi (s i) <= phi (s e)) -> gate pool i <= #|A|%:R^-1.
  move=> iA sub hA; rewrite /gate.
  have c0 : 0 < #|A|%:R :> R by rewrite ltr0n; apply/card_gt0P; exists i.
  have le1 : #|A|%:R * phi (s i) <= \sum_(l in pool) phi (s l).
    rewrite (big_setID A) /= (setIidPr sub) mulr_natl -sumr_const.
    apply: ler_paddr; first by apply: sumr_ge0 => e _; apply: ltW.
    exact: ler_sum.
  rewrite ler_pdivr_mulr; last by apply: lt_le_trans le1; rewrite mulr_gt0.
  by rewrite ler_pdivl_mull.
split; first by rewrite -cT; apply: bound.
have -> : k.+1 = #|j |: T| by rewrite cardsU1 jT cT.
apply: bound; rewrite ?inE ?iT ?orbT ?subsetT // => e.
by rewrite !inE => /orP[/eqP ->|]; [rewrite sij | apply: least].
Qed.

(* RG-8. (d) With a selection bias the tie is not a tie of weights; the jump
   then has a third part, the reweighting of the members that stay. *)
Theorem RG_8_d_jump_with_selection_bias (w w' : 'I_E -> R) T i j :
  i \in T -> j \notin T ->
  mixture w T - mixture w' (swap T i j) =
  w i *: out i - w' j *: out j + \sum_(e in T :\ i) (w e - w' e) *: out e.
Proof.
move=> iT jT.
have [e1 _] := big_swap (fun e => w e *: out e) iT jT.
have [_ e2] := big_swap (fun e => w' e *: out e) iT jT.
rewrite /mixture e1 e2 opprD addrACA -sumrB; congr (_ + _).
by apply: eq_bigr => e _; rewrite scalerBl.
Qed.

End Jump.

(* RG-9: swaps away from the tie, with the exponential. *)
Section Swap.
Variables (R : realType) (n E : nat) (s : 'I_E -> R) (out : 'I_E -> 'cV[R]_n).

Definition softmax (z : 'I_E -> R) e : R := expR (z e) / \sum_l expR (z l).

(* RG-9. (a) Replacing i by j at margin m >= 0 changes the output by
   w_i E_i - w_j E_j with w_j = exp(-m) w_i, in norm at most
   w_i |E_i - E_j| + w_i (1 - exp(-m)) |E_j|. *)
Theorem RG_9_a_swap_cost (T : {set 'I_E}) i j (mu : R) :
  i \in T -> j \notin T -> mu = s i - s j -> 0 <= mu ->
  let w := softmax s in
  [/\ mixture out w T - mixture out w (swap T i j) = w i *: out i - w j *: out j,
      w j = expR (- mu) * w i &
      norm (mixture out w T - mixture out w (swap T i j)) <=
        w i * norm (out i - out j) + w i * (1 - expR (- mu)) * norm (out j)].
Proof.
move=> iT jT hmu mu0 w.
have diff : mixture out w T - mixture out w (swap T i j) = w i *: out i - w j *: out j.
  rewrite (RG_8_d_jump_with_selection_bias _ _ _ iT jT) big1 ?addr0 // => e _.
  by rewrite subrr scale0r.
have wj : w j = expR (- mu) * w i.
  by rewrite /w /softmax mulrA -expRD hmu opprB subrK.
have wi0 : 0 <= w i.
  by apply: divr_ge0; rewrite ?sumr_ge0 ?ltW ?expR_gt0 // => l _; rewrite ltW ?expR_gt0.
have ex1 : expR (- mu) <= 1 by rewrite -expR0 ler_expR oppr_le0.
split=> //; rewrite diff wj.
have -> : w i *: out i - (expR (- mu) * w i) *: out j =
    w i *: (out i - out j) + (w i * (1 - expR (- mu))) *: out j.
  by rewrite scalerBr mulrBr mulr1 scalerBl addrA subrK mulrC.
apply: le_trans (norm_triangle _ _) _; rewrite !normZ (ger0_norm wi0).
by rewrite ger0_norm // mulr_ge0 // subr_ge0.
Qed.

End Swap.

Section Path.
Variables (R : rcfType) (D n : nat).
Add Field path_field : (mc_field_theory R).

(* RG-9. (b) Along a path y_0, ..., y_{N+1} whose interior points are the
   crossings, with an L-Lipschitz branch f_i on the i-th piece, the output moves
   by at most L times the length plus the sum of the jump norms. *)
Theorem RG_9_b_path_bound (L : R) (N : nat) (f : nat -> 'cV[R]_D -> 'cV[R]_n)
    (y : nat -> 'cV[R]_D) :
  (forall i, (i <= N)%N -> norm (f i (y i.+1) - f i (y i)) <= L * norm (y i.+1 - y i)) ->
  norm (f N (y N.+1) - f 0%N (y 0%N)) <=
    L * (\sum_(i < N.+1) norm (y i.+1 - y i)) +
    \sum_(i < N) norm (f i.+1 (y i.+1) - f i (y i.+1)).
Proof.
elim: N => [|N IH] lip; first by rewrite big_ord_recl !big_ord0 !addr0 lip.
have -> : f N.+1 (y N.+2) - f 0%N (y 0%N) = (f N.+1 (y N.+2) - f N.+1 (y N.+1)) +
   ((f N.+1 (y N.+1) - f N (y N.+1)) + (f N (y N.+1) - f 0%N (y 0%N))).
  by rewrite !addrA !subrK.
apply: le_trans (norm_triangle _ _) _.
have eS : \sum_(i < N.+2) norm (y i.+1 - y i) =
  \sum_(i < N.+1) norm (y i.+1 - y i) + norm (y N.+2 - y N.+1) by rewrite big_ord_recr.
have eJ : \sum_(i < N.+1) norm (f i.+1 (y i.+1) - f i (y i.+1)) =
  \sum_(i < N) norm (f i.+1 (y i.+1) - f i (y i.+1)) + norm (f N.+1 (y N.+1) - f N (y N.+1)).
  by rewrite big_ord_recr.
have aux (A B C J : R) : L * (A + B) + (C + J) = L * B + (J + (L * A + C)) by mring R.
rewrite eS eJ aux; apply: ler_add; first exact: lip.
apply: le_trans (norm_triangle _ _) _; rewrite ler_add2l.
by apply: IH => i iN; apply: lip; apply: leqW.
Qed.

End Path.
