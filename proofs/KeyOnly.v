(* Family KR: can the routing decision be read off the attention keys alone?
   Vectors are real columns over an arbitrary real field (real closed where a
   square root occurs).  K is the stacked key matrix and G the router matrix,
   gains absorbed; TopK is any top-k rule, tie-breaking being free up to the
   invariances each theorem names (TopK.v exhibits a rule with all of them). *)
From mathcomp Require Import all_ssreflect all_algebra.
From mathcomp.classical Require Import boolp.
From Routegauge Require Import FieldTactics InnerProduct TopK.
Set Implicit Arguments.
Unset Strict Implicit.
Unset Printing Implicit Defensive.
Import GRing.Theory Num.Theory Order.POrderTheory Order.TotalTheory.
Local Open Scope ring_scope.

(* r is a function of the summary S on the domain X. *)
Definition factors (T Key Route : Type) (X : T -> Prop) (r : T -> Route)
    (S : T -> Key) :=
  exists f : Key -> Route, forall x, X x -> r x = f (S x).

Lemma factors_collision T Key Route (X : T -> Prop) (r : T -> Route) (S : T -> Key) x x' :
  factors X r S -> X x -> X x' -> S x = S x' -> r x = r x'.
Proof. by case=> f hf Xx Xx' e; rewrite !hf // e. Qed.

(* KR-1. On a domain X the route is a function of the summary exactly when no
   two inputs of X share the summary and differ in the route.  (Routes are
   assumed to exist at all: r0.) *)
Theorem KR_1_factorisation_criterion (T Key Route : Type) (r0 : Route)
    (X : T -> Prop) (r : T -> Route) (S : T -> Key) :
  factors X r S <-> (forall x x', X x -> X x' -> S x = S x' -> r x = r x').
Proof.
split; first by move=> h x x' Xx Xx' e; exact: (factors_collision h Xx Xx' e).
move=> h; have /choice[f hf] : forall s, exists v : Route,
    forall x, X x -> S x = s -> v = r x.
  move=> s.
  have [[x [Xx Sx]]|none] := pselect (exists x, X x /\ S x = s).
    by exists (r x) => x' Xx' Sx'; apply: h; rewrite ?Sx.
  by exists r0 => x Xx Sx; case: none; exists x.
by exists f => x Xx; rewrite (hf (S x) x).
Qed.

(* Expert centering C_E = I - 11^T/E. *)
Definition centering (R : realFieldType) (E : nat) : 'M[R]_E :=
  1%:M - E%:R^-1 *: const_mx 1.

Section Linear.
Variables (R : realFieldType) (m D E k : nat).
Hypothesis hk : (0 < k < E)%N.
Variable TopK : 'cV[R]_E -> {set 'I_E}.
Hypothesis topkP : topk_rule k TopK.
Hypothesis topk_shift : shift_invariant TopK.
Implicit Types (K : 'M[R]_(m, D)) (G : 'M[R]_(E, D)).
Add Field linear_field : (mc_field_theory R).

Lemma E_neq0 : E%:R != 0 :> R.
Proof. by case/andP: hk => h1 h2; rewrite pnatr_eq0 -lt0n (ltn_trans h1 h2). Qed.

Lemma centering_const (a : 'cV[R]_E) :
  (forall i j, a i 0 = a j 0) -> centering R E *m a = 0.
Proof.
move=> h; rewrite mulmxBl mul1mx -scalemxAl; apply/matrixP => i j.
rewrite !mxE ord1 (eq_bigr (fun=> a i 0)); last by move=> l _; rewrite mxE mul1r (h i l).
by rewrite sumr_const card_ord -[a i 0 *+ E]mulr_natl mulKf ?E_neq0 // subrr.
Qed.

Lemma centering_eq0 (a : 'cV[R]_E) :
  centering R E *m a = 0 -> exists c, a = const_mx c.
Proof.
rewrite mulmxBl mul1mx -scalemxAl => /eqP; rewrite subr_eq0 => /eqP h.
exists (E%:R^-1 * \sum_l a l 0); apply/matrixP => i j; rewrite [in LHS]h !mxE ord1.
by congr (_ * _); apply: eq_bigr => l _; rewrite mxE mul1r.
Qed.

(* Row space inclusion is kernel inclusion. *)
Lemma rowspace_kernel p q n (A : 'M[R]_(p, n)) (B : 'M[R]_(q, n)) :
  (A <= B)%MS <-> (forall z : 'cV_n, B *m z = 0 -> A *m z = 0).
Proof.
split=> [/submxP[W ->] z hz|h]; first by rewrite -mulmxA hz mulmx0.
rewrite submxE; apply/eqP/matrixP => i j.
have hB : B *m (cokermx B *m delta_mx j (0 : 'I_1)) = 0.
  by rewrite mulmxA mulmx_coker mul0mx.
by have := h _ hB; rewrite mulmxA -colE => /matrixP/(_ i 0); rewrite !mxE.
Qed.

(* The linear surrogate G K^+ reproduces the router up to a common shift. *)
Lemma surrogate_topk K G x :
  (centering R E *m G <= K)%MS -> TopK (G *m x) = TopK (G *m pinvmx K *m (K *m x)).
Proof.
move=> /submxP[W hW].
have e : centering R E *m (G *m x - G *m pinvmx K *m (K *m x)) = 0.
  have hKK : K *m pinvmx K *m K = K by rewrite mulmxKpV.
  move: (pinvmx K) hKK => Kp hKK.
  rewrite mulmxBr !mulmxA hW -(mulmxA W K Kp) -(mulmxA W _ K) hKK.
  by rewrite subrr.
have [c hc] := centering_eq0 e.
by rewrite -(topk_shift (G *m pinvmx K *m (K *m x)) c) -hc addrC subrK.
Qed.

(* KR-2. A linear top-k router factors through a linear key map exactly when
   every direction the keys cannot see shifts all expert logits equally, i.e.
   when the row space of the expert-centred router lies in the row space of the
   key matrix.  The domain may be all of R^D or any set that contains some
   positive multiple of z and of -z for every z in the kernel of K. *)
Theorem KR_2_a_linear_core (X : 'cV[R]_D -> Prop) K G :
  (forall z : 'cV_D, K *m z = 0 -> exists t, [/\ 0 < t, X (t *: z) & X (- (t *: z))]) ->
  factors X (fun x => TopK (G *m x)) (fun x => K *m x) <->
  (forall z : 'cV_D, K *m z = 0 -> centering R E *m G *m z = 0).
Proof.
move=> hX; split=> [fac z Kz|/rowspace_kernel hG].
  have [t [t0 Xz Xnz]] := hX z Kz.
  have keq : K *m (t *: z) = K *m - (t *: z).
    by rewrite mulmxN -scalemxAr Kz scaler0 oppr0.
  have tk := factors_collision fac Xz Xnz keq.
  have h1 := topkP (G *m (t *: z)).
  have h2 := topkP (G *m - (t *: z)); rewrite -tk mulmxN in h2.
  have h := topk_opp_const hk h1 h2.
  have : t *: (centering R E *m G *m z) = 0.
    by rewrite scalemxAr -mulmxA centering_const.
  by move/eqP; rewrite scaler_eq0 (gt_eqF t0) => /eqP.
by exists (fun y => TopK (G *m pinvmx K *m y)) => x _; apply: surrogate_topk.
Qed.

Theorem KR_2_b_kernel_is_row_space K G :
  (forall z : 'cV_D, K *m z = 0 -> centering R E *m G *m z = 0) <->
  (centering R E *m G <= K)%MS.
Proof. by rewrite rowspace_kernel. Qed.

Theorem KR_2_c_linear_core_everywhere K G :
  factors (fun=> True) (fun x => TopK (G *m x)) (fun x => K *m x) <->
  (centering R E *m G <= K)%MS.
Proof.
rewrite -KR_2_b_kernel_is_row_space; apply: KR_2_a_linear_core => z _.
by exists 1; rewrite ltr01.
Qed.

(* KR-4. (a) If the centred router has larger rank than the key matrix, the
   router does not factor through the keys. *)
Theorem KR_4_a_rank_obstruction K G :
  (\rank K < \rank (centering R E *m G))%N ->
  ~ factors (fun=> True) (fun x => TopK (G *m x)) (fun x => K *m x).
Proof.
by move=> h /KR_2_c_linear_core_everywhere /mxrankS; rewrite leqNgt h.
Qed.

(* KR-4. (b) With fewer key dimensions than model width a generic router does
   not factor: every exceptional router matrix lies in the kernel of one fixed
   non-zero linear form.  ("Outside a proper hyperplane" replaces the
   catalogue's "outside a measure-zero set" and is stronger.) *)
Theorem KR_4_b_generic_impossibility K : (m < D)%N ->
  exists L : {scalar 'M[R]_(E, D)}, (exists G, L G != 0) /\
    forall G, L G != 0 ->
      ~ factors (fun=> True) (fun x => TopK (G *m x)) (fun x => K *m x).
Proof.
move=> mD; case/andP: hk => k0 kE.
have E2 : (1 < E)%N by apply: leq_ltn_trans kE.
pose i0 : 'I_E := Ordinal (ltn_trans (ltn0Sn 0) E2); pose i1 : 'I_E := Ordinal E2.
have [z [Kz z0]] : exists z : 'cV[R]_D, K *m z = 0 /\ z != 0.
  have : kermx K^T != 0.
    by rewrite kermx_eq0 -row_leq_rank -ltnNge mxrank_tr (leq_ltn_trans (rank_leq_row _)).
  case/rowV0Pn => v /sub_kermxP hv v0; exists v^T; split.
    by rewrite -[K]trmxK -trmx_mul hv trmx0.
  by apply: contra v0 => /eqP h; rewrite -[v]trmxK h trmx0.
pose L0 (G : 'M[R]_(E, D)) : R := (G *m z) i0 0 - (G *m z) i1 0.
have L0lin : scalar L0.
  move=> a A B; rewrite /L0 mulmxDl -scalemxAl !mxE.
  by mring R.
exists (Linear L0lin); split.
  have [j zj] : exists j, z j 0 != 0.
    apply/existsP; rewrite -negb_forall; apply: contra z0 => /forallP h.
      by apply/eqP/matrixP => a b; rewrite ord1 mxE; exact/eqP/h.
  exists (delta_mx i0 j); rewrite /= /L0 !mxE (bigD1 j) //= mxE !eqxx mul1r.
  rewrite !big1 ?addr0 ?subr0 //.
    by move=> l _; rewrite mxE (_ : (i1 == i0) = false) ?mul0r.
  by move=> l lj; rewrite mxE (negPf lj) andbF mul0r.
move=> G LG /KR_2_c_linear_core_everywhere /KR_2_b_kernel_is_row_space /(_ z Kz).
rewrite -mulmxA => /centering_eq0 [c hc]; case/negP: LG.
by rewrite /= /L0 hc !mxE subrr.
Qed.

End Linear.
