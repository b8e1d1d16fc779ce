(* KR-3 with a router bias: what a factorisation through the keys then forces, and
   why a bias that dominates can hide any router. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

Section Bias.
Variables (R : rcfType) (m D E k : nat).
Hypothesis hk : (0 < k < E)%N.
Variable TopK : 'cV[R]_E -> {set 'I_E}.
Hypothesis topkP : topk_rule k TopK.
Hypothesis topk_shift : shift_invariant TopK.
Implicit Types (WK : 'M[R]_(m, D)) (Wg : 'M[R]_(E, D)) (z : 'cV[R]_D) (b : 'cV[R]_E).
Add Field bias_field : (mc_field_theory R).

(* KR-3. (c) With a router bias b a factorisation forces that no direction unseen
   by the keys moves any pair of logits across its gap in the bias: for z in the
   kernel there is a top-k set T of b with |a_i - a_j| <= b_i - b_j for i in T and
   j outside, a the logits of z without bias. *)
Theorem KR_3_c_bias_necessary WK Wg (g1 g2 : 'cV[R]_D) (eps1 eps2 : R) b z :
  0 <= eps1 -> 0 <= eps2 ->
  factors (fun x => x != 0) (fun x => TopK (Wg *m rmsnorm eps2 g2 x + b))
    (fun x => WK *m rmsnorm eps1 g1 x) ->
  z != 0 -> WK *m diag_mx g1^T *m z = 0 ->
  let a := Wg *m rmsnorm eps2 g2 z in
  exists T, is_topk k b T /\
    forall i j, i \in T -> j \notin T -> `|a i 0 - a j 0| <= b i 0 - b j 0.
Proof.
move=> e1 e2 fac z0 Kz a; have nz0 : - z != 0 by rewrite oppr_eq0.
have keq : WK *m rmsnorm eps1 g1 z = WK *m rmsnorm eps1 g1 (- z).
  by rewrite rmsnormN mulmxN mul_rmsnorm Kz scaler0 oppr0.
have tk := factors_collision fac z0 nz0 keq.
have oppa : Wg *m rmsnorm eps2 g2 (- z) = - a by rewrite rmsnormN mulmxN.
rewrite oppa -/a in tk; clearbody a.
have [cT h1] := topkP (a + b).
have := topkP (- a + b); rewrite -tk => -[_ h2].
have gap i j : i \in TopK (a + b) -> j \notin TopK (a + b) ->
    `|a i 0 - a j 0| <= b i 0 - b j 0.
  move=> iT jT; have := h1 i j iT jT; have := h2 i j iT jT.
  rewrite !mxE => u v; rewrite ler_norml; apply/andP; split; rewrite -subr_ge0.
    have -> : a i 0 - a j 0 - - (b i 0 - b j 0) = (a i 0 + b i 0) - (a j 0 + b j 0) by mring R.
    by rewrite subr_ge0.
  have -> : b i 0 - b j 0 - (a i 0 - a j 0) = (- a i 0 + b i 0) - (- a j 0 + b j 0) by mring R.
  by rewrite subr_ge0.
exists (TopK (a + b)); split=> //; split=> // i j iT jT; rewrite -subr_ge0.
exact: le_trans (normr_ge0 _) (gap i j iT jT).
Qed.

(* KR-3. (d) So the row-space condition stays necessary as long as the bias does
   not dominate: B bounds the differences of the biases, and every unseen
   direction that separates experts at all has a multiple whose logits differ by
   more than 2 B somewhere. *)
Theorem KR_3_d_bias_not_dominating WK Wg (g1 g2 : 'cV[R]_D) (eps1 eps2 : R) b (B : R) :
  0 <= eps1 -> 0 <= eps2 -> (forall i j, b i 0 - b j 0 <= B) ->
  (forall z, WK *m diag_mx g1^T *m z = 0 ->
     centering R E *m (Wg *m diag_mx g2^T) *m z != 0 ->
     exists t i j, t != 0 /\ 2%:R * B <
       (Wg *m rmsnorm eps2 g2 (t *: z)) i 0 - (Wg *m rmsnorm eps2 g2 (t *: z)) j 0) ->
  factors (fun x => x != 0) (fun x => TopK (Wg *m rmsnorm eps2 g2 x + b))
    (fun x => WK *m rmsnorm eps1 g1 x) ->
  (centering R E *m (Wg *m diag_mx g2^T) <= WK *m diag_mx g1^T)%MS.
Proof.
move=> e1 e2 hB sep fac; apply/rowspace_kernel => z Kz; apply/eqP; apply: contraT => Cz.
have [t [p [q [t0 gap]]]] := sep z Kz Cz.
have z0 : z != 0 by apply: contraNneq Cz => ->; rewrite mulmx0.
have tz0 : t *: z != 0 by rewrite scaler_eq0 negb_or t0.
have Ktz : WK *m diag_mx g1^T *m (t *: z) = 0 by rewrite -scalemxAr Kz scaler0.
have [T [[cT _] hT]] := KR_3_c_bias_necessary e1 e2 fac tz0 Ktz.
set a := Wg *m rmsnorm _ _ _ in gap hT.
have io i j : i \in T -> j \notin T -> `|a i 0 - a j 0| <= B.
  by move=> iT jT; apply: le_trans (hT i j iT jT) (hB i j).
case/andP: hk => k0 kE.
have [i0 i0T] : exists i, i \in T by apply/set0Pn; rewrite -card_gt0 cT.
have [j0 j0T] : exists j, j \notin T.
  apply/existsP; rewrite -negb_forall; apply/negP => /forallP allT.
  have : [set: 'I_E] \subset T by apply/subsetP => x _; apply: allT.
  by move/subset_leq_card; rewrite cardsT card_ord cT leqNgt kE.
have B0 : 0 <= B by apply: le_trans (io i0 j0 i0T j0T).
suff : a p 0 - a q 0 <= 2%:R * B by rewrite leNgt gap.
(* Any two experts are linked through one on the other side. *)
have link x y w : `|a x 0 - a w 0| <= B -> `|a y 0 - a w 0| <= B ->
    a x 0 - a y 0 <= 2%:R * B.
  move=> hx hy; have -> : a x 0 - a y 0 = (a x 0 - a w 0) - (a y 0 - a w 0) by mring R.
  rewrite mulr_natl mulr2n; apply: ler_add; first exact: le_trans (ler_norm _) hx.
  by apply: le_trans hy; rewrite -normrN ler_norm.
have [pT|pT] := boolP (p \in T); have [qT|qT] := boolP (q \in T).
- by apply: (link p q j0); apply: io.
- apply: le_trans (ler_norm _) _; apply: le_trans (io p q pT qT) _.
  by rewrite mulr_natl mulr2n ler_addl.
- apply: le_trans (ler_norm _) _; rewrite distrC; apply: le_trans (io q p qT pT) _.
  by rewrite mulr_natl mulr2n ler_addl.
by apply: (link p q i0); rewrite distrC; apply: io.
Qed.

End Bias.

(* KR-3. (e) A bias that dominates hides the router: keys that see nothing at all,
   a router that separates two experts, and yet the top-1 route is constant, so it
   factors.  The row-space condition is then not necessary. *)
Theorem KR_3_e_dominating_bias (R : rcfType) (TopK : 'cV[R]_2 -> {set 'I_2}) :
  topk_rule 1 TopK ->
  let WK : 'M[R]_1 := 0 in
  let Wg : 'M[R]_(2, 1) := \matrix_(i, j) (i == 0)%:R in
  let b : 'cV[R]_2 := \col_i (if i == 0 then 2%:R else 0) in
  let one : 'cV[R]_1 := const_mx 1 in
  factors (fun x => x != 0) (fun x => TopK (Wg *m rmsnorm 0 one x + b))
    (fun x => WK *m rmsnorm 0 one x) /\
  ~ (centering R 2 *m (Wg *m diag_mx one^T) <= WK *m diag_mx one^T)%MS.
Proof.
move=> topkP WK Wg b one; split.
  exists (fun=> [set 0]) => x x0; apply: topk_rule_strict topkP _.
  split=> [|i j]; first exact: cards1.
  rewrite !inE => /eqP -> j0.
  have unit : `|(rmsnorm 0 one x) 0 0| = 1.
    have d1 : dot x x = x 0 0 ^+ 2 by rewrite /dot big_ord1 expr2.
    have xn : x 0 0 != 0 by rewrite -sqrf_eq0 -d1 dot_eq0.
    rewrite /rmsnorm mxE mul_diag_mx !mxE mul1r /rho divr1 addr0 d1 sqrtr_sqr.
    by rewrite normrM normfV normr_id mulVf // normr_eq0.
  have Wi i' : (Wg *m rmsnorm 0 one x) i' 0 = (i' == 0)%:R * (rmsnorm 0 one x) 0 0.
    by rewrite mxE big_ord1 mxE.
  rewrite mxE [X in _ < X]mxE !Wi; move: ((rmsnorm 0 one x) 0 0) unit {Wi} => y unit.
  rewrite !mxE (negPf j0) /= mul0r addr0 mul1r; have : -1 <= y.
    by have := lexx (1 : R); rewrite -{1}unit ler_norml => /andP[].
  rewrite -subr_ge0 opprK => h; apply: lt_le_trans (ltr01) _.
  by rewrite -subr_ge0 (_ : 2%:R = 1 + 1) // addrA addrK; apply: h.
move=> /rowspace_kernel sub; pose v : 'cV[R]_1 := const_mx 1.
have Kv : WK *m diag_mx one^T *m v = 0 by rewrite /WK !mul0mx.
have := sub v Kv; rewrite -mulmxA => /centering_eq0 [c hc].
have two (i : 'I_2) : (Wg *m diag_mx one^T *m v) i 0 = (i == 0)%:R.
  by rewrite -mulmxA mul_diag_mx mxE big_ord1 !mxE !mulr1.
have := two 0; have := two 1; rewrite hc !mxE /= => -> /eqP.
by rewrite eq_sym oner_eq0.
Qed.
