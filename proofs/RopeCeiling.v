(* RC-7: keys whose RoPE phases are uniform stay below a ceiling in every gauge.                   *)
From Coq Require Import Reals Lra.
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.algebra_tactics Require Import ring.
From mathcomp.analysis Require Import Rstruct.
From Interval Require Import Tactic.
From Routegauge Require Import Vectors MomentRatio CosineSums SphereLaws RandomDirections.

Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.

Import Order.Theory GRing.Theory Num.Theory.
Local Open Scope ring_scope.

Section Ceiling.
Variables (d : nat) (J A : 'M[R]_d).
(* A quarter turn of every plane, whichever coordinates are paired, and the turn of all planes by b. *)
Hypotheses (J_skew : J^T = - J) (J_sqr : J *m J = - 1%:M) (oA : orthogonal A).
Implicit Types k : 'cV[R]_d.
Definition turn (b : R) : 'M[R]_d := cos b *: 1%:M + sin b *: J.

Lemma cos_sin_1 (b : R) : cos b * cos b + sin b * sin b = 1.
Proof. by have := sin2_cos2 b; rewrite /Rsqr RplusE !RmultE addrC. Qed.

Lemma turn_orthogonal b : orthogonal (turn b).
Proof.
have T : (turn b)^T = cos b *: 1%:M - sin b *: J.
  apply/matrixP=> i j; have := congr1 (fun M : 'M_d => M i j) J_skew.
  by rewrite !mxE => ->; rewrite mulrN eq_sym.
rewrite /orthogonal T /turn mulmxBl 2!mulmxDr -!scalemxAl -!scalemxAr !mul1mx !mulmx1 J_sqr !scalerA.
by rewrite scalerN (mulrC (sin b)) opprD opprK addrA addrK -scalerDl cos_sin_1 scale1r.
Qed.

Lemma turnE b k i : (A *m (turn b *m k)) i 0 = (A *m k) i 0 * cos b + (A *m (J *m k)) i 0 * sin b.
Proof.
rewrite /turn mulmxDl -!scalemxAl mul1mx mulmxDr -!scalemxAr mxE [X in X + _]mxE [X in _ + X]mxE.
by rewrite !(mulrC _ ((A *m _) _ _)).
Qed.

Lemma sqn_J k : sqn (J *m k) = sqn k.
Proof.
by apply: orth_sqn; rewrite /orthogonal J_skew mulNmx J_sqr opprK.
Qed.

(* The L1 norm averaged over m equally spaced turns. *)
Lemma mean_l1_le m k : (0 < m)%N ->
  (\sum_(j < m) l1 (A *m (turn (phase m j) *m k))) / m%:R <= cos_ceiling m * (Num.sqrt (2 * d%:R) * l2 k).
Proof.
move=> m0; pose r i := Num.sqrt ((A *m k) i 0 ^+ 2 + (A *m (J *m k)) i 0 ^+ 2).
have -> : (\sum_(j < m) l1 (A *m (turn (phase m j) *m k))) / m%:R =
    \sum_i (\sum_(j < m) `|(A *m k) i 0 * cos (phase m j) + (A *m (J *m k)) i 0 * sin (phase m j)|) / m%:R.
  rewrite -mulr_suml [in RHS]exchange_big /=; congr (_ / _); apply: eq_bigr => j _.
  by apply: eq_bigr => i _; rewrite turnE.
apply: (@le_trans _ _ (cos_ceiling m * \sum_i r i)).
  rewrite mulr_sumr; apply: ler_sum => i _.
  by have /andP [] := phase_mean ((A *m k) i 0) ((A *m (J *m k)) i 0) m0.
rewrite ler_wpmul2l //; first by apply/ltW/RltP/cos_ceiling_gt0/ssrnat.ltP.
have rsum : \sum_i r i ^+ 2 = 2 * sqn k.
  rewrite (eq_bigr (fun i => (A *m k) i 0 ^+ 2 + (A *m (J *m k)) i 0 ^+ 2)) => [|i _].
    transitivity (sqn (A *m k) + sqn (A *m (J *m k))); first exact: big_split.
    by rewrite (orth_sqn k oA) (orth_sqn _ oA) sqn_J; ring.
  by rewrite sqr_sqrtr // addr_ge0 ?sqr_ge0.
have r0 : 0 <= \sum_i r i by apply: sumr_ge0 => i _; exact: sqrtr_ge0.
rewrite -(@ler_sqr _ (\sum_i r i)) ?nnegrE ?mulr_ge0 ?sqrtr_ge0 ?l2_ge0 //.
rewrite exprMn sqr_sqrtr ?mulr_ge0 ?ler0n // l2_sqr mulrAC mulrC -rsum.
by have := sqr_sum_le r; rewrite card_ord.
Qed.

(* RC-7, finite cyclic form. The mean 1-bit cosine of a key over m equally spaced common turns of all *)
(* planes is, after any rotation, at most sqrt 2 / (m sin(pi/(2m))).                                  *)
Theorem RC_7_a_cyclic_ceiling m k : (0 < m)%N -> k != 0 ->
  (\sum_(j < m) cosine (A *m (turn (phase m j) *m k))) / m%:R <= Num.sqrt 2 * cos_ceiling m.
Proof.
move=> m0 k0; have rd := sqrt_dim_gt0 k0; have lk : 0 < l2 k by rewrite l2_gt0.
have -> : (\sum_(j < m) cosine (A *m (turn (phase m j) *m k))) / m%:R =
    (\sum_(j < m) l1 (A *m (turn (phase m j) *m k))) / m%:R / (Num.sqrt d%:R * l2 k).
  rewrite mulrAC; congr (_ / _); rewrite mulr_suml; apply: eq_bigr => j _.
  by rewrite /cosine orth_l2 // orth_l2 //; exact: turn_orthogonal.
rewrite ler_pdivr_mulr ?mulr_gt0 //; apply: le_trans (mean_l1_le k m0) _.
by rewrite sqrtrM ?ler0n // -!mulrA mulrCA.
Qed.

(* RC-7. So for every finite law of keys that these turns leave as it is, the mean 1-bit cosine in any *)
(* gauge is at most that, and the pooled beta at most its square.                                      *)
Theorem RC_7_b_cyclic_law m (T : finType) (p : T -> R) (k : T -> 'cV[R]_d) : (0 < m)%N -> law p ->
  (forall t, k t != 0) ->
  (forall (f : 'cV[R]_d -> R) j, \sum_t p t * f (turn (phase m j) *m k t) = \sum_t p t * f (k t)) ->
  \sum_t p t * cosine (A *m k t) <= Num.sqrt 2 * cos_ceiling m /\
  (\sum_t p t * l1 (A *m k t)) ^+ 2 / (d%:R * \sum_t p t * sqn (A *m k t)) <= 2 * cos_ceiling m ^+ 2.
Proof.
move=> m0 [p0 p1] k0 inv; have mn : m%:R != 0 :> R by rewrite pnatr_eq0 -lt0n.
have avg f : \sum_t p t * f (k t) = \sum_t p t * ((\sum_(j < m) f (turn (phase m j) *m k t)) / m%:R).
  transitivity (\sum_t (\sum_(j < m) p t * f (turn (phase m j) *m k t)) / m%:R); last first.
    by apply: eq_bigr => t _; rewrite mulrA -mulr_sumr.
  rewrite -mulr_suml exchange_big /= [X in _ = X / _](eq_bigr (fun=> \sum_t p t * f (k t))) => [|j _].
    by rewrite sumr_cst card_ord mulrC mulKf.
  exact: inv.
have c0 : 0 <= cos_ceiling m by apply/ltW/RltP/cos_ceiling_gt0/ssrnat.ltP.
split.
  rewrite (avg (fun x => cosine (A *m x))); apply: (@le_trans _ _ (\sum_t p t * (Num.sqrt 2 * cos_ceiling m))).
    2: by rewrite -mulr_suml p1 mul1r.
  apply: ler_sum => t _.
  by apply: ler_wpmul2l => //; exact: RC_7_a_cyclic_ceiling.
set e := \sum_t p t * sqn (A *m k t); set s := \sum_t p t * l1 (A *m k t).
have eE : e = \sum_t p t * l2 (k t) ^+ 2 by apply: eq_bigr => t _; rewrite orth_sqn // l2_sqr.
have s0 : 0 <= s by apply: sumr_ge0 => t _; rewrite mulr_ge0 ?l1_ge0.
have s_le : s <= cos_ceiling m * Num.sqrt (2 * d%:R) * \sum_t p t * l2 (k t).
  rewrite /s (avg (fun x => l1 (A *m x))) mulr_sumr; apply: ler_sum => t _.
  by rewrite [X in _ <= X]mulrCA; apply: ler_wpmul2l => //; rewrite -mulrA; exact: mean_l1_le.
have jensen : (\sum_t p t * l2 (k t)) ^+ 2 <= e.
  rewrite eE -subr_ge0 -weighted_variance //.
  by apply: sumr_ge0 => t _; rewrite mulr_ge0 ?sqr_ge0.
have e0 : 0 <= e by rewrite eE; apply: sumr_ge0 => t _; rewrite mulr_ge0 ?sqr_ge0.
have [z|dz] := eqVneq (d%:R * e) 0.
  by rewrite z invr0 mulr0 mulr_ge0 ?ler0n ?sqr_ge0.
have de : 0 < d%:R * e by rewrite lt0r dz mulr_ge0 ?ler0n.
have l0 : 0 <= \sum_t p t * l2 (k t) by apply: sumr_ge0 => t _; rewrite mulr_ge0 ?l2_ge0.
rewrite ler_pdivr_mulr //; apply: (@le_trans _ _ ((cos_ceiling m * Num.sqrt (2 * d%:R) * \sum_t p t * l2 (k t)) ^+ 2)).
  by rewrite ler_sqr // nnegrE ?mulr_ge0 ?sqrtr_ge0.
rewrite 2!exprMn sqr_sqrtr ?mulr_ge0 ?ler0n //.
have -> : 2 * cos_ceiling m ^+ 2 * (d%:R * e) = cos_ceiling m ^+ 2 * (2 * d%:R) * e by ring.
by rewrite ler_wpmul2l // mulr_ge0 ?sqr_ge0 // mulr_ge0 ?ler0n.
Qed.

(* RC-7. If the law of the directions of the keys is unchanged by every common turn of the planes, the *)
(* mean 1-bit cosine is at most 2 sqrt 2 / pi in every gauge, learned or not.                           *)
Theorem RC_7_c_ceiling (E : ('cV[R]_d -> R) -> R) : (0 < d)%N -> law_on (@vdist d) (@sphere d) E ->
  (forall b f, vlip f -> E (fun k => f (turn b *m k)) = E f) ->
  E (fun k => cosine (A *m k)) <= Num.sqrt 2 * (2 / PI).
Proof.
move=> d0 LE inv; have PI0 : PI != 0 by apply/eqP/PI_neq0.
have lA : vlip (fun k => cosine (A *m k)) := lip_orth oA (@lip_cosine d).
have lT b : vlip (fun k => cosine (A *m (turn b *m k))) := lip_orth (turn_orthogonal b) lA.
have bound n : E (fun k => cosine (A *m k)) <= Num.sqrt 2 * cos_ceiling n.+1.
  have m0 : n.+1%:R != 0 :> R by rewrite pnatr_eq0.
  have -> : E (fun k => cosine (A *m k)) =
      E (fun k => n.+1%:R^-1 * \sum_(j < n.+1) cosine (A *m (turn (phase n.+1 j) *m k))).
    rewrite (law_scale LE); last by apply: lip_sum => j; exact: lT.
    rewrite (law_sum LE); last by move=> j; exact: lT.
    rewrite (eq_bigr (fun=> E (fun k => cosine (A *m k)))) => [|j _]; last exact: (inv _ _ lA).
    by rewrite sumr_cst card_ord mulKf.
  apply: (law_le LE) => [|k Sk]; first by apply: lip_scale; apply: lip_sum => j; exact: lT.
  by rewrite mulrC; apply: RC_7_a_cyclic_ceiling => //; rewrite -sqn_eq0 Sk oner_neq0.
have := le_of_ceilings (E (fun k => cosine (A *m k))) (Num.sqrt 2) (fun n => elimT (RleP _ _) (bound n)).
by move/RleP; rewrite RdivE.
Qed.
End Ceiling.

(* RC-7, its numbers: the ceiling for uniform phases is 0.9003, for four cyclic phases 0.9239. *)
Theorem RC_7_d_numbers :
  Rlt (Rabs (sqrt 2 * (2 / PI) - 0.9003)) 0.0001 /\ Rlt (Rabs (sqrt 2 * cos_ceiling 4 - 0.9239)) 0.0001.
Proof. by rewrite /cos_ceiling /=; split; interval. Qed.
