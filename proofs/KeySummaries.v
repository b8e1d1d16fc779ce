(* KR-5 with a norm per head, KR-7 and KR-8: keys that give less than the residual,
   keys that give everything on the inputs that occur, and nearly equal keys. *)
From mathcomp Require Import all_ssreflect all_algebra.
From Routegauge Require Import FieldTactics InnerProduct TopK KeyOnly.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* Per-head QK-norm: hd assigns coordinates of the key to heads; each head's
   block is divided by its own Euclidean norm (epsilon 0; x/0 = 0). *)
Section PerHead.
Variables (R : rcfType) (m H : nat) (hd : 'I_m -> 'I_H).
Implicit Types v : 'cV[R]_m.

Definition head_norm (h : 'I_H) v : R := Num.sqrt (\sum_(i | hd i == h) v i 0 ^+ 2).
Definition head_normalise v : 'cV[R]_m := \col_i (v i 0 / head_norm (hd i) v).

Lemma head_norm_ge0 h v : 0 <= head_norm h v.
Proof. exact: sqrtr_ge0. Qed.

Lemma head_norm_eq0 h v : head_norm h v = 0 -> forall i, hd i = h -> v i 0 = 0.
Proof.
move=> n0 i hi; have s0 : 0 <= \sum_(j | hd j == h) v j 0 ^+ 2.
  by apply: sumr_ge0 => j _; apply: sqr_ge0.
have /eqP := n0; rewrite sqrtr_eq0 => s1.
have : v i 0 ^+ 2 <= 0.
  apply: le_trans s1; rewrite (bigD1 i) ?hi //= ler_addl sumr_ge0 // => j _.
  exact: sqr_ge0.
by move=> v0; apply/eqP; rewrite -sqrf_eq0 eq_le v0 sqr_ge0.
Qed.

Lemma head_normZ h v v' (t : R) : 0 < t ->
  (forall i, hd i = h -> v' i 0 = t * v i 0) -> head_norm h v' = t * head_norm h v.
Proof.
move=> t0 e; rewrite /head_norm (eq_bigr (fun i => t ^+ 2 * v i 0 ^+ 2)); last first.
  by move=> i /eqP hi; rewrite e // exprMn.
by rewrite -mulr_sumr sqrtrM ?sqr_ge0 // sqrtr_sqr gtr0_norm.
Qed.

(* Per-head normalised keys agree exactly on the cones of positive per-head
   multiples. *)
Lemma head_normalise_eq v v' :
  head_normalise v = head_normalise v' <->
  exists t : 'I_H -> R, (forall h, 0 < t h) /\ forall i, v' i 0 = t (hd i) * v i 0.
Proof.
split=> [e|[t [t0 e]]]; last first.
  apply/colP => i; rewrite !mxE e.
  have -> : head_norm (hd i) v' = t (hd i) * head_norm (hd i) v.
    by apply: head_normZ => // j hj; rewrite e hj.
  by rewrite -mulf_div divff ?mul1r // gt_eqF.
have ei i : v i 0 / head_norm (hd i) v = v' i 0 / head_norm (hd i) v'.
  by move/colP/(_ i): e; rewrite !mxE.
exists (fun h => if (head_norm h v == 0) || (head_norm h v' == 0) then 1
                 else head_norm h v' / head_norm h v); split=> [h|i].
  case: ifP => [_|/norP[n0 n0']]; first exact: ltr01.
  by rewrite divr_gt0 // lt_def ?n0 ?n0' head_norm_ge0.
have := ei i; case: eqP => [n0 _|/eqP n0] /=.
  have v0 := head_norm_eq0 n0; have := ei; rewrite mul1r v0 // => eq0.
  case: (eqVneq (head_norm (hd i) v') 0) => [/head_norm_eq0 -> //|n0'].
  have := ei i; rewrite v0 // mul0r => /esym/eqP.
  by rewrite mulf_eq0 invr_eq0 (negPf n0') orbF => /eqP.
case: eqP => [n0'|/eqP n0'] /= eqi.
  have v0' := head_norm_eq0 n0'; move: eqi; rewrite v0' // mul0r mul1r => /eqP.
  by rewrite mulf_eq0 invr_eq0 (negPf n0) orbF => /eqP.
by rewrite mulrAC -mulrA eqi mulrCA mulfV // mulr1.
Qed.

End PerHead.

(* KR-5. (c) With per-head QK-norm the keys give only a cone: the route factors
   through them exactly when it is constant on all sets of inputs whose keys
   agree up to one positive factor per head. *)
Theorem KR_5_c_per_head_norm_cone (R : rcfType) (m D H : nat) (hd : 'I_m -> 'I_H)
    (K : 'M[R]_(m, D)) (Route : Type) (r0 : Route) (X : 'cV[R]_D -> Prop)
    (r : 'cV[R]_D -> Route) :
  factors X r (fun x => head_normalise hd (K *m x)) <->
  (forall x x' (t : 'I_H -> R), X x -> X x' -> (forall h, 0 < t h) ->
     (forall i, (K *m x') i 0 = t (hd i) * (K *m x) i 0) -> r x = r x').
Proof.
rewrite (KR_1_factorisation_criterion r0); split=> h x x'.
  by move=> t Xx Xx' t0 e; apply: h => //; apply/head_normalise_eq; exists t.
by move=> Xx Xx' /head_normalise_eq[t [t0 e]]; apply: (h x x' t).
Qed.

(* KR-5. (d) Already for two heads of width one and K = G = I_2 the top-1 route
   is not constant on the cone, so it does not factor, although K is invertible
   (instance of the catalogue's "generically false for H >= 2"). *)
Theorem KR_5_d_per_head_counterexample (R : rcfType) (TopK : 'cV[R]_2 -> {set 'I_2}) :
  topk_rule 1 TopK ->
  ~ factors (fun x => x != 0) (fun x => TopK (1%:M *m x))
      (fun x : 'cV[R]_2 => head_normalise (@id 'I_2) (1%:M *m x)).
Proof.
move=> topkP fac; pose x (a b : R) : 'cV[R]_2 := \col_i (if i == 0 then a else b).
have two0 : 0 < 2%:R :> R by rewrite ltr0n.
have one2 : 1 < 2%:R :> R by rewrite ltr1n.
have xn0 a b : 0 < a -> x a b != 0.
  move=> a0; apply: contraTneq a0 => /colP/(_ 0); rewrite !mxE /= => ->.
  by rewrite ltxx.
have := factors_collision fac (xn0 2%:R 1 two0) (xn0 1 2%:R ltr01).
rewrite !mul1mx; set c := head_normalise _ _ = _ => tk.
have : c.
  apply/head_normalise_eq; exists (fun i => if i == 0 then 2%:R^-1 else 2%:R); split.
    by move=> h; case: ifP => _; rewrite ?invr_gt0.
  by move=> i; rewrite !mxE; case: ifP => _; rewrite ?mulr1 // mulVf // gt_eqF.
move=> /tk; have top0 : is_strict_topk 1 (x 2%:R 1) [set 0].
  split=> [|i j]; first exact: cards1.
  by rewrite !inE !mxE => /eqP -> /negPf ->.
have top1 : is_strict_topk 1 (x 1 2%:R) [set 1].
  split=> [|i j]; first exact: cards1.
  rewrite !inE !mxE => /eqP -> /=; case: (eqVneq j 0) => [-> //|j0 j1].
  by case/negP: j1; move: j0; case: j => [[|[|]]].
rewrite (topk_rule_strict topkP top0) (topk_rule_strict topkP top1).
by move/setP/(_ 0); rewrite !inE.
Qed.

(* KR-7. (a) On any set of inputs on which the keys are injective every route
   factors through them (countability of the reachable set is not needed). *)
Theorem KR_7_a_injective_keys_factor (T Key Route : Type) (r0 : Route)
    (X : T -> Prop) (r : T -> Route) (S : T -> Key) :
  (forall x x', X x -> X x' -> S x = S x' -> x = x') -> factors X r S.
Proof.
by move=> inj; apply/(KR_1_factorisation_criterion r0) => x x' Xx Xx' e;
  rewrite (inj x x').
Qed.

(* KR-7. (b) The layer-0 key depends on token id and position only: two
   reachable prompts with the same token at the same position and different
   routes exclude every factorisation through the own layer-0 key. *)
Theorem KR_7_b_layer0_collision (Prompt Token Pos Key Route : Type)
    (tok : Prompt -> Token) (pos : Prompt -> Pos) (key : Token -> Pos -> Key)
    (reachable : Prompt -> Prop) (r : Prompt -> Route) p p' :
  reachable p -> reachable p' -> tok p = tok p' -> pos p = pos p' -> r p <> r p' ->
  ~ factors reachable r (fun x => key (tok x) (pos x)).
Proof.
move=> hp hp' et epos neq fac; apply: neq.
by apply: (factors_collision fac hp hp'); rewrite et epos.
Qed.

(* KR-7. (c) Before RoPE the position does not enter either. *)
Theorem KR_7_c_layer0_collision_before_rope (Prompt Token Key Route : Type)
    (tok : Prompt -> Token) (key : Token -> Key)
    (reachable : Prompt -> Prop) (r : Prompt -> Route) p p' :
  reachable p -> reachable p' -> tok p = tok p' -> r p <> r p' ->
  ~ factors reachable r (fun x => key (tok x)).
Proof.
move=> hp hp' et neq fac; apply: neq.
by apply: (factors_collision fac hp hp'); rewrite et.
Qed.

(* KR-7. (d) Conversely, if the summary holds the layer-0 keys of the whole
   context and different tokens have different keys, every route factors. *)
Theorem KR_7_d_all_layer0_keys_suffice (Token Key Route : Type) (r0 : Route)
    (key : Token -> Key) (r : seq Token -> Route) :
  injective key -> factors (fun=> True) r (map key).
Proof.
by move=> inj; apply: (KR_7_a_injective_keys_factor r0) => x x' _ _ /(inj_map inj).
Qed.

(* f picks T with set margin at least mu. *)
Definition margin_topk (R : realFieldType) (E k : nat) (mu : R) (s : 'cV[R]_E)
    (T : {set 'I_E}) :=
  #|T| = k /\ forall i j, i \in T -> j \notin T -> s j 0 + mu <= s i 0.

Section Lipschitz.
Variable R : rcfType.
Add Field lipschitz_field : (mc_field_theory R).

(* KR-8. A surrogate f that reproduces two different top-k sets with margin mu
   at two key vectors at distance at most delta has Lipschitz constant at least
   sqrt 2 * mu / delta. *)
Theorem KR_8_lipschitz_lower_bound (p E k : nat)
    (f : 'cV[R]_p -> 'cV[R]_E) (L mu delta : R) (s s' : 'cV[R]_p) (T T' : {set 'I_E}) :
  0 <= L -> (forall a b, norm (f a - f b) <= L * norm (a - b)) ->
  0 <= mu -> 0 < delta -> norm (s - s') <= delta ->
  margin_topk k mu (f s) T -> margin_topk k mu (f s') T' -> T != T' ->
  Num.sqrt 2%:R * mu / delta <= L.
Proof.
move=> L0 lip mu0 d0 hd [cT hT] [cT' hT'] neq.
have [|i [j [iT iT' jT' jT]]] := @set_diff_pair E T T' _ neq; first by rewrite cT cT'.
rewrite ler_pdivr_mulr //.
apply: (@le_trans _ _ (norm (f s - f s'))); last first.
  by apply: le_trans (lip s s') _; apply: ler_wpmul2l.
set d := f s - f s'.
have ij : i != j by apply: contraNneq iT' => ->.
have gap : 2%:R * mu <= d i 0 - d j 0.
  rewrite !mxE -subr_ge0.
  have -> : f s i 0 - f s' i 0 - (f s j 0 - f s' j 0) - 2%:R * mu =
    (f s i 0 - (f s j 0 + mu)) + (f s' j 0 - (f s' i 0 + mu)).
    by mring R.
  by rewrite addr_ge0 // subr_ge0 ?hT ?hT'.
have sq : 2%:R * mu ^+ 2 <= dot d d.
  rewrite /dot (bigD1 i) //= (bigD1 j) 1?eq_sym //= addrA.
  apply: ler_paddr; first by apply: sumr_ge0 => l _; rewrite -expr2 sqr_ge0.
  rewrite -(ler_pmul2l (x := 2%:R)) ?ltr0n //.
  apply: (@le_trans _ _ ((d i 0 - d j 0) ^+ 2)).
    rewrite [X in X <= _](_ : _ = (2%:R * mu) ^+ 2); last by mring R.
    rewrite ler_pexpn2r // ?nnegrE ?mulr_ge0 ?ler0n //.
    by apply: le_trans gap; rewrite mulr_ge0 ?ler0n.
  have sq_id (a b : R) : 2%:R * (a * a + b * b) - (a - b) ^+ 2 = (a + b) ^+ 2.
    by mring R.
  by rewrite -subr_ge0 sq_id sqr_ge0.
rewrite /norm -[mu](ger0_norm mu0) -sqrtr_sqr -sqrtrM ?ler0n //.
exact: ler_wsqrtr.
Qed.

End Lipschitz.
